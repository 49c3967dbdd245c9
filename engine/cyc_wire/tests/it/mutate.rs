//! The seeded mutator: takes known packets, damages them, and holds the decoders to `cyc_wire::fuzz`.

use crate::{bytes, list, vectors};
use cyc_core::{LensSample, Pose, Rate, Timecode, profile::OscProfile};
use cyc_wire::{
    fuzz,
    ltc::{Encoder, LtcRepr},
    opentrackio::HEADER_LEN,
    osc::{OscTick, TrackerMessage, encode_bundle, encode_message, encode_tick},
};

/// Marsaglia's xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() >> 33) as usize % bound }
    }
}

fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(8) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = random.next() as u8,
            2 => bytes.truncate(at),
            3 => bytes.insert(at, random.next() as u8),
            4 => {
                let run = random.below(8);
                let value = [0x00, 0x7F, 0x80, 0xFF][random.below(4)];
                bytes.iter_mut().skip(at).take(run).for_each(|byte| *byte = value);
            }
            5 => {
                let end = at + random.below(bytes.len() - at);
                bytes.drain(at..end);
            }
            6 => {
                let other = &seeds[random.below(seeds.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[random.below(other.len())..]);
            }
            _ => {
                let end = at + random.below(bytes.len() - at).min(40);
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, copy);
            }
        }
    }
    bytes
}

fn run(seeds: Vec<Vec<u8>>, target: fn(&[u8]), rounds: u32) {
    seeds.iter().for_each(|seed| target(seed));
    target(&[]);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..rounds {
        target(&mutated(&seeds, &mut random));
    }
}

#[test]
fn freed() {
    let file = vectors("freed_vectors.json");
    let groups = ["real", "derived", "invalid", "other_messages"];
    let seeds = groups.iter().flat_map(|group| list(&file[group])).map(|vector| bytes(&vector["hex"])).collect();
    run(seeds, fuzz::fuzz_freed, 200_000);
}

fn opentrackio_datagrams() -> Vec<Vec<u8>> {
    let file = vectors("opentrackio_vectors.json");
    list(&file["samples"]).iter().flat_map(|vector| list(&vector["datagrams"])).map(bytes).collect()
}

fn payloads(encoding: u8) -> Vec<Vec<u8>> {
    let whole = |datagram: &Vec<u8>| datagram[5] == encoding && datagram[8..12] == [0; 4] && datagram[12] & 0x80 != 0;
    opentrackio_datagrams().into_iter().filter(whole).map(|datagram| datagram[HEADER_LEN..].to_vec()).collect()
}

#[test]
fn opentrackio_datagram() {
    let mut seeds = opentrackio_datagrams();
    // And payloads behind the four bytes that the target makes a header of.
    seeds.extend(payloads(1).into_iter().map(|payload| [&[0, 0, 0, 0], &payload[..]].concat()));
    seeds.extend(payloads(2).into_iter().map(|payload| [&[1, 0, 0, 0], &payload[..]].concat()));
    run(seeds, fuzz::fuzz_opentrackio, 200_000);
}

#[test]
fn opentrackio_json() {
    run(payloads(1), fuzz::fuzz_opentrackio_json, 100_000);
}

#[test]
fn opentrackio_cbor() {
    run(payloads(2), fuzz::fuzz_opentrackio_cbor, 100_000);
}

#[test]
fn osc() {
    let file = vectors("osc_vectors.json");
    let groups = ["osc_core", "conventions", "invalid"];
    let mut seeds: Vec<_> =
        groups.iter().flat_map(|group| list(&file[group])).map(|vector| bytes(&vector["hex"])).collect();
    let lens = LensSample { focal_length_mm: Some(35.0), focus_distance_m: Some(2.0), entrance_pupil_offset_m: None };
    for profile in [OscProfile::Stage, OscProfile::VrChat] {
        let messages = TrackerMessage::from_camera_state(&Pose::identity(), &lens, profile);
        for _ in 0..8 {
            seeds.push(encode_bundle(fuzz::OSC_ADDRESS, &messages, Some(1)).unwrap());
            seeds.extend(messages.iter().map(|message| encode_message(fuzz::OSC_ADDRESS, message).unwrap()));
        }
    }
    run(seeds, fuzz::fuzz_osc, 200_000);
}

/// Words as bytes, and frames as sound of 8 bits, some forwards, some backwards.
#[test]
fn ltc() {
    let mut seeds: Vec<_> =
        list(&vectors("ltc_vectors.json")["frames"]).iter().map(|vector| bytes(&vector["bytes_lsb_first"])).collect();
    let rate = Rate::new(30, 1).unwrap();
    let mut encoder = Encoder::new(rate, fuzz::FUZZ_SAMPLE_RATE_HZ, 0.7).unwrap();
    let mut sound = Vec::new();
    for frame in 1_799..1_804 {
        let label = Timecode::of_frame(frame, rate, false);
        encoder.push(&LtcRepr { label, user_bits: 0xF0, ..LtcRepr::default() }, &mut sound).unwrap();
    }
    let sound: Vec<u8> = sound.iter().map(|sample| (sample * 127.0 + 128.0) as u8).collect();
    seeds.extend([sound.clone(), sound.into_iter().rev().collect()]);
    run(seeds, fuzz::fuzz_ltc, 6_000);
}

#[test]
fn mtc() {
    let file = vectors("timecode_vectors.json");
    let mut seeds = Vec::new();
    for vector in list(&file["mtc"]) {
        let quarters = bytes(&vector["quarter_frames_forward"]);
        // The data bytes alone: a stream of quarter frames, forwards and backwards.
        let stream: Vec<u8> = quarters.iter().skip(1).step_by(2).copied().collect();
        seeds.extend([bytes(&vector["full_frame"]), quarters[..2].to_vec(), stream.repeat(3)]);
        seeds.push(stream.iter().rev().copied().collect::<Vec<_>>().repeat(3));
    }
    run(seeds, fuzz::fuzz_mtc, 200_000);
}

#[test]
fn artnet() {
    let file = vectors("timecode_vectors.json");
    let groups = ["artnet_timecode", "artnet_other"];
    let mut seeds: Vec<_> =
        groups.iter().flat_map(|group| list(&file[group])).map(|vector| bytes(&vector["hex"])).collect();
    seeds.extend(seeds.clone().iter().map(|datagram| datagram[10..].to_vec()));
    run(seeds, fuzz::fuzz_artnet, 200_000);
}

#[test]
fn ptp() {
    let file = vectors("ptp_management_vectors.json");
    let mut seeds: Vec<_> = list(&file["answers"]).iter().map(|vector| bytes(&vector["answer"])).collect();
    seeds.extend(list(&file["changed"]["port_states"]).iter().map(|vector| bytes(&vector["answer"])));
    seeds.extend(["refused", "other", "silent"].map(|name| bytes(&file[name]["request"])));
    seeds.extend(["refused", "other"].map(|name| bytes(&file[name]["answer"])));
    run(seeds, fuzz::fuzz_ptp, 200_000);
}

#[test]
fn osc_tick() {
    let mut seeds = Vec::new();
    for frame in [None, Some(7), Some(i64::MAX)] {
        for label in [None, Some("01:00:00;02".parse().unwrap())] {
            for time in [None, Some(1)] {
                seeds.push(encode_tick(fuzz::OSC_TICK_ADDRESS, &OscTick { frame, label }, time).unwrap());
            }
        }
    }
    seeds.extend(list(&vectors("osc_vectors.json")["osc_core"]).iter().map(|vector| bytes(&vector["hex"])));
    run(seeds, fuzz::fuzz_osc_tick, 200_000);
}
