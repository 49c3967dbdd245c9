//! The way through `cpal` and ALSA, with ALSA's "file" devices in the place of a card.
//!
//! ALSA reads its configuration once for a process, so these tests run themselves again as processes of their own.

use super::*;
use cyc_wire::ltc::{Decoder, Encoder, LtcRepr, to_i16};
use std::process::Command;

/// Set in the process that finds the devices: the folder with their files.
const FOLDER: &str = "CYC_LINK_TEST_ALSA";

/// The default device: captures from "in.raw" and plays into "out.raw", in the format that it is asked for; no clock.
/// (Behind a "plug" the device gives each piece of its file several times, so it stands alone.)
fn configuration(folder: &Path) -> String {
    let file = |name: &str| folder.join(name).display().to_string();
    format!(
        r#"</usr/share/alsa/alsa.conf>
pcm.!default {{
    type file
    slave.pcm "null"
    file "{}"
    infile "{}"
    format "raw"
}}
"#,
        file("out.raw"),
        file("in.raw")
    )
}

/// Runs an ignored test of this program in a process that has the devices.
fn run_with_devices(test: &str, folder: &Folder) {
    if !Path::new("/usr/share/alsa/alsa.conf").exists() {
        println!("not run: ALSA's configuration is not installed (package libasound2-data)");
        return;
    }
    let path = folder.file("asound.conf");
    std::fs::write(&path, configuration(&folder.0)).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("ALSA_CONFIG_PATH", path)
        .env(FOLDER, &folder.0)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn default_device(channel: u16) -> Sound {
    Sound::Device { name: "default".into(), channel }
}

#[test]
fn timecode_is_heard_through_alsa() {
    let folder = Folder::new("alsa-in");
    let mut encoder = Encoder::new(rate("25"), 48_000, 0.5).unwrap();
    let mut sound = Vec::new();
    for n in 0..75 {
        let label = Timecode::of_frame(90_000 + n, rate("25"), false);
        encoder.push(&LtcRepr { label, ..LtcRepr::default() }, &mut sound).unwrap();
    }
    // 32 bit, 48 kHz, two channels is what a device that can do everything is asked for; the first is silent here.
    let bytes: Vec<u8> =
        sound.iter().flat_map(|s| [0; 4].into_iter().chain((i32::from(to_i16(*s)) << 16).to_le_bytes())).collect();
    std::fs::write(folder.file("in.raw"), bytes).unwrap();
    run_with_devices("alsa::hear", &folder);
}

#[test]
#[ignore = "run by timecode_is_heard_through_alsa, with a device"]
fn hear() {
    let (sender, heard) = crossbeam_channel::unbounded();
    let _source = ltc::start(&default_device(1), monotonic(), sender).unwrap();
    let mut labels = Vec::new();
    wait_for(&heard, "25 labels in a row", |heard| {
        let Heard::Label { label, at, .. } = heard else { return None };
        labels.push((label.frame(rate("25")).unwrap(), at));
        // The device has no clock: it begins with a burst and is then run at its rate.
        let newest = labels.len().checked_sub(25).map(|from| &labels[from..])?;
        let steady =
            |w: &[(u64, StageTime)]| w[1].0 == w[0].0 + 1 && (w[1].1.nanos_since(w[0].1) - 40_000_000).abs() < 100_000;
        newest.windows(2).all(steady).then_some(())
    });
}

#[test]
fn timecode_is_spoken_through_alsa() {
    let folder = Folder::new("alsa-out");
    run_with_devices("alsa::speak", &folder);
    let bytes = std::fs::read(folder.file("out.raw")).unwrap();
    let sound: Vec<f32> = (bytes.chunks_exact(8))
        .map(|frame| i32::from_le_bytes(frame[4..].try_into().unwrap()) as f32 / 2_147_483_648.0)
        .collect();
    assert!(bytes.chunks_exact(8).all(|frame| frame[..4] == [0; 4]), "the other channel is silent");
    let mut words = Vec::new();
    Decoder::new(48_000, rate("25")).push(&sound, |word| words.push(word));
    assert!(words.len() > 10, "{} words in {} samples", words.len(), sound.len());
    let frame = |word: &cyc_wire::ltc::LtcWord| word.label.frame(rate("25")).unwrap();
    // Words follow each other without a gap or a step.
    for pair in words.windows(2) {
        assert_eq!(frame(&pair[1]), frame(&pair[0]) + 1);
        assert!((pair[1].begin_sample - pair[0].end_sample).abs() < 0.5);
    }
}

#[test]
#[ignore = "run by timecode_is_spoken_through_alsa, with a device"]
fn speak() {
    let outputs = TimecodeOutputs::start(&[TimecodeOut::Ltc(default_device(1))], rate("25"), monotonic()).unwrap();
    let begin = MonotonicClock.now();
    for n in 0..50 {
        let ideal = begin.plus_nanos(rate("25").nanos_of_frame(n));
        MonotonicClock.sleep_until(ideal);
        outputs.tick(n, Timecode::of_frame(90_000 + n, rate("25"), false), ideal);
    }
    assert_eq!(outputs.health()[0].1, None);
}

#[test]
#[ignore = "by hand: needs a sound device whose output is wired to its input, or a server's monitor"]
fn cable() {
    const FRAMES: u64 = 500;
    let (sender, heard) = crossbeam_channel::unbounded();
    let _source = ltc::start(&default_device(0), monotonic(), sender).unwrap();
    let outputs = TimecodeOutputs::start(&[TimecodeOut::Ltc(default_device(0))], rate("25"), monotonic()).unwrap();
    let begin = MonotonicClock.now();
    let ideal = |n| begin.plus_nanos(rate("25").nanos_of_frame(n));
    for n in 0..FRAMES {
        MonotonicClock.sleep_until(ideal(n));
        outputs.tick(n, Timecode::of_frame(90_000 + n, rate("25"), false), ideal(n));
    }
    println!("{:?}", outputs.health());
    let mut late = Vec::new();
    for heard in heard.try_iter() {
        match heard {
            Heard::Label { label, at, .. } => {
                let n = label.frame(rate("25")).unwrap() - 90_000;
                late.push(at.nanos_since(ideal(n)) / 1000);
            }
            Heard::Pulse { .. } => {}
            other => println!("{other:?}"),
        }
    }
    println!(
        "{} words of {FRAMES} heard; late by (us), every 25th: {:?}",
        late.len(),
        late.iter().step_by(25).collect::<Vec<_>>()
    );
    let mut settled = late.split_off(late.len() / 2);
    settled.sort_unstable();
    let at = |percent: usize| settled[(settled.len() - 1) * percent / 100];
    println!("second half: median {} us, 1 % {} us, 99 % {} us", at(50), at(1), at(99));
}
