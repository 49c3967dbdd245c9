//! What cables, rooms and recorders do to sound, and what is no timecode at all.

use super::sound::{AMPLITUDE, Noise, add_noise, all_but, couple, decode, labels, position_error, rate, sound};
use cyc_core::{Rate, Timecode};
use cyc_wire::ltc::{Decoder, LtcWord};
use std::f64::consts::TAU;

/// 25 a second with many ones, and 29.97 drop-frame across a tenth minute.
fn sources() -> [(Rate, Vec<Timecode>); 2] {
    let (ebu, drop) = (rate("25"), rate("30000/1001"));
    [(ebu, labels("17:37:57:10", ebu, 100)), (drop, labels("09:59:58;20", drop, 100))]
}

/// Asserts that `damage` costs no more than `missing` words and a `begin` or `end` no more than `error` samples.
fn endures(sample_rate_hz: u32, missing: usize, error: f64, damage: impl Fn(&mut Vec<f32>)) -> Vec<LtcWord> {
    let mut all = Vec::new();
    for (at, labels) in sources() {
        let mut samples = sound(&labels, at, sample_rate_hz);
        damage(&mut samples);
        let words = decode(&samples, sample_rate_hz, at);
        assert!(all_but(&words, &labels, missing), "{at}: {} words of {}", words.len(), labels.len());
        let [begin, end, rms] = position_error(&words, &labels, at, sample_rate_hz);
        assert!(begin.max(end) < error, "{at}: begin {begin:.3} end {end:.3} rms {rms:.3}");
        all.extend(words);
    }
    all
}

#[test]
fn white_noise() {
    // Decibels of signal over noise; missing words; worst place of a frame's start or end, samples at 48 kHz.
    for (db, missing, error) in [(40.0, 2, 0.03), (30.0, 2, 0.06), (20.0, 2, 0.16), (14.0, 2, 0.35), (10.0, 3, 0.6)] {
        endures(48_000, missing, error, |samples| add_noise(samples, db, 7));
    }
    endures(22_050, 2, 0.25, |samples| add_noise(samples, 20.0, 7));
    endures(192_000, 2, 0.4, |samples| add_noise(samples, 20.0, 7));
}

#[test]
fn noise_is_measured() {
    let jitter = |db: f64| {
        let words = endures(48_000, 2, 0.2, |samples| add_noise(samples, db, 7));
        words.iter().map(|word| word.jitter_samples).sum::<f64>() / words.len() as f64
    };
    let [quiet, loud] = [40.0, 20.0].map(jitter);
    assert!(quiet < 0.03 && loud > 0.05 && loud < 0.2, "{quiet} {loud}");
}

#[test]
fn offset() {
    for offset in [0.3, -0.7, 2.5] {
        endures(48_000, 3, 0.02, |samples| samples.iter_mut().for_each(|sample| *sample += offset));
    }
}

#[test]
fn clipping_of_one_side_and_both() {
    for (low, high) in [(-0.3, 0.3), (-0.5, 0.1), (-0.02, 0.05)] {
        endures(48_000, 2, 0.4, |samples| samples.iter_mut().for_each(|sample| *sample = sample.clamp(low, high)));
    }
}

#[test]
fn coupling_capacitors() {
    endures(48_000, 2, 0.03, |samples| couple(samples, 48_000, 20.0));
    endures(48_000, 2, 0.25, |samples| couple(samples, 48_000, 300.0));
    // Little more than the edges is left, the recorder is slow, clips and hisses.
    endures(22_050, 4, 0.4, |samples| {
        couple(samples, 22_050, 2_000.0);
        add_noise(samples, 35.0, 3);
        samples.iter_mut().for_each(|sample| *sample = sample.clamp(-0.4, 0.4));
    });
}

#[test]
fn hum_louder_than_the_signal() {
    let hum = |samples: &mut Vec<f32>, part: f64| {
        let amplitude = part * f64::from(AMPLITUDE);
        let wave = |i: usize| (amplitude * (i as f64 * 50.0 * TAU / 48_000.0).sin()) as f32;
        samples.iter_mut().enumerate().for_each(|(i, sample)| *sample += wave(i));
    };
    endures(48_000, 2, 0.03, |samples| hum(samples, 0.5));
    endures(48_000, 2, 0.05, |samples| hum(samples, 2.0));
}

#[test]
fn level_steps() {
    for gain in [0.1, 0.01, 0.002] {
        let half = |samples: &mut Vec<f32>, quiet: std::ops::Range<usize>| {
            samples[quiet].iter_mut().for_each(|sample| *sample *= gain);
        };
        endures(48_000, 8, 0.12, |samples| half(samples, 0..90_000));
        endures(48_000, 8, 0.12, |samples| half(samples, 90_000..samples.len()));
    }
}

#[test]
fn drop_outs_are_bridged_without_a_jump() {
    let words = endures(48_000, 30, 0.12, |samples| {
        let silent = |i: &usize| i / 4_800 % 10 == 3;
        (0..samples.len()).filter(silent).for_each(|i| samples[i] = 0.0);
    });
    assert!(words.iter().all(|word| !word.jumped));
}

#[test]
fn clicks() {
    endures(48_000, 20, 0.5, |samples| {
        let mut noise = Noise(3);
        samples.iter_mut().filter(|_| noise.uniform() < 1e-4).for_each(|sample| *sample = 3.0);
    });
}

/// Sound in which nothing may be believed, and no label refused for long either.
fn is_no_timecode(sound: impl Fn(f64, &mut Noise) -> f64) {
    for (sample_rate_hz, seconds) in [(48_000, 20), (22_050, 10)] {
        let (mut decoder, mut noise) = (Decoder::new(sample_rate_hz, rate("25")), Noise(0x1234_5678));
        for block in 0..seconds * 10 {
            let at = |i: u32| f64::from(block * sample_rate_hz / 10 + i) / f64::from(sample_rate_hz);
            let samples: Vec<f32> = (0..sample_rate_hz / 10).map(|i| sound(at(i), &mut noise) as f32).collect();
            decoder.push(&samples, |word| panic!("{word}"));
        }
        let signal = decoder.signal();
        assert!(signal.words < 3, "{signal:?}");
    }
}

#[test]
fn what_is_no_timecode_is_not_believed() {
    is_no_timecode(|_, _| 0.0);
    is_no_timecode(|_, noise| 0.3 * noise.normal());
    is_no_timecode(|secs, _| 0.5 * (TAU * 1_000.0 * secs).sin());
    // A square wave looks like zeros or ones without end, a sweep like both at every speed.
    is_no_timecode(|secs, _| 0.5 * (TAU * 1_000.0 * secs).sin().signum());
    is_no_timecode(|secs, _| 0.5 * (TAU * (100.0 + 40.0 * secs) * secs).sin());
    is_no_timecode(|secs, noise| {
        let note = 55.0 * 2_f64.powf((secs * 4.0).floor() * 7.0 % 36.0 / 12.0);
        let beat = (-8.0 * (secs * 2.0).fract()).exp();
        let strings: f64 = (1..9).map(|i| (TAU * note * f64::from(i) * secs).sin() / f64::from(i)).sum();
        0.3 * strings * (0.6 + 0.4 * (TAU * 5.0 * secs).sin()) + 0.5 * beat * noise.normal()
    });
}

#[test]
fn no_numbers_are_silence() {
    let at = rate("25");
    let labels = labels("10:00:00:00", at, 30);
    let mut samples = sound(&labels, at, 48_000);
    for (i, odd) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-40].into_iter().enumerate() {
        samples[20_000 + 300 * i] = odd;
    }
    let words = decode(&samples, 48_000, at);
    assert!(all_but(&words, &labels, 12), "{}", words.len());
    assert!(words.iter().all(|word| word.begin_sample.is_finite() && word.jitter_samples.is_finite()));
}
