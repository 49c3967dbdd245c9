use crate::{bytes, list, rotation, triple, vectors};
use cyc_core::{LensSample, Pose, StageTime, profile::OpenTrackIoProfile};
use cyc_wire::{
    CameraDecoder, WireError,
    opentrackio::{
        Encoding, MAX_DEPTH, MAX_PAYLOAD, MAX_SEGMENT, MAX_SOURCES, Reassembler, Reassembly, Sample, Segment,
        SegmentRepr, segments,
    },
};
use nalgebra::{Point3, Vector3};
use proptest::prelude::*;
use std::path::PathBuf;

fn whole(datagrams: &[Vec<u8>]) -> Option<(Encoding, Vec<u8>)> {
    let mut reassembler = Reassembler::default();
    let mut complete = None;
    for datagram in datagrams {
        if let Ok(Reassembly::Complete(encoding, payload)) =
            reassembler.offer(&Segment::new_checked(datagram).unwrap(), 0).0
        {
            complete = Some((encoding, payload.to_vec()));
        }
    }
    complete
}

#[test]
fn vectors_mean_what_they_say() {
    for vector in list(&vectors("opentrackio_vectors.json")["samples"]) {
        let name = &vector["name"];
        let datagrams: Vec<_> = list(&vector["datagrams"]).iter().map(bytes).collect();
        let mut decoder = CameraDecoder::opentrackio(OpenTrackIoProfile::default(), None);
        let mut out = Vec::new();
        for datagram in &datagrams {
            let counts = decoder.feed(datagram, 1, StageTime(0), &mut out);
            assert_eq!((counts.used, counts.lost, counts.error), (1, 0, None), "{name}");
        }
        let [sample] = out[..] else { panic!("{name}: {} samples", out.len()) };
        assert_eq!(u64::from(sample.camera), vector["source_number"].as_u64().unwrap(), "{name}");
        assert_eq!(sample.device_nanos, vector["device_nanos"].as_i64(), "{name}");
        assert_eq!(sample.lens.focal_length_mm, vector["focal_length_mm"].as_f64(), "{name}");
        assert_eq!(sample.lens.focus_distance_m, vector["focus_distance_m"].as_f64(), "{name}");
        assert_eq!(sample.lens.entrance_pupil_offset_m, vector["entrance_pupil_offset_m"].as_f64(), "{name}");
        let position = Point3::from(triple(&vector["position_m"]));
        assert!((sample.pose.position_m - position).norm() < 1e-12, "{name}");
        let expected = rotation(&vector["stage_from_camera_rows"]);
        assert!(sample.pose.orientation.angle_to(&expected) < 1e-7, "{name}");
    }
}

#[test]
fn refused_vectors() {
    for vector in list(&vectors("opentrackio_vectors.json")["refused"]) {
        let mut decoder = CameraDecoder::opentrackio(OpenTrackIoProfile::default(), None);
        let mut out = Vec::new();
        let counts = decoder.feed(&bytes(&vector["hex"]), 1, StageTime(0), &mut out);
        assert_eq!((counts.used, counts.bad, out.len()), (0, 1, 0), "{}", vector["name"]);
        assert_eq!(format!("{:?}", counts.error.unwrap()), vector["error"].as_str().unwrap(), "{}", vector["name"]);
    }
}

#[test]
fn profile_signs_and_unit() {
    let profile = OpenTrackIoProfile { rotation_signs: [-1.0, 1.0, 1.0], unit_m: 0.01 };
    let json = br#"{"transforms":[{"translation":{"x":100,"y":250.0},"rotation":{"pan":90,"tilt":0,"roll":0}}]}"#;
    let sample = Sample::parse(json, Encoding::Json).unwrap();
    let (pose, _) = sample.camera_state(&profile).unwrap().unwrap();
    assert!((pose.position_m - Point3::new(1.0, 2.5, 0.0)).norm() < 1e-12);
    assert!((pose.orientation * Vector3::y() - Vector3::x()).norm() < 1e-12, "turned right by the profile's sign");
    let (pose, _) = sample.camera_state(&OpenTrackIoProfile::default()).unwrap().unwrap();
    assert!((pose.orientation * Vector3::y() + Vector3::x()).norm() < 1e-12, "positive pan turns left");
}

#[test]
fn lens_values_without_meaning_are_absent() {
    let json =
        br#"{"lens":{"pinholeFocalLength":0,"focusDistance":-1.0,"entrancePupilOffset":-0.01},"transforms":[{}]}"#;
    let (_, lens) =
        Sample::parse(json, Encoding::Json).unwrap().camera_state(&OpenTrackIoProfile::default()).unwrap().unwrap();
    assert_eq!(lens, LensSample { entrance_pupil_offset_m: Some(-0.01), ..LensSample::default() });
}

#[test]
fn beyond_all_numbers() {
    let json = br#"{"transforms":[{"translation":{"x":1e308,"y":0,"z":0}},{"translation":{"x":1e308,"y":0,"z":0}}]}"#;
    let sample = Sample::parse(json, Encoding::Json).unwrap();
    assert_eq!(sample.camera_state(&OpenTrackIoProfile::default()), Err(WireError::BadValue("transforms")));
}

#[test]
fn a_sample_without_pose_or_of_another_source_is_ignored() {
    let mut decoder = CameraDecoder::opentrackio(OpenTrackIoProfile::default(), Some(5));
    let mut sequence = 0;
    for json in [r#"{"sourceNumber":5}"#, r#"{"sourceNumber":6,"transforms":[{}]}"#, r#"{"transforms":[{}]}"#] {
        let datagrams = segments(json.as_bytes(), Encoding::Json, &mut sequence, MAX_SEGMENT).unwrap();
        let mut out = Vec::new();
        let counts = decoder.feed(&datagrams[0], 0, StageTime(0), &mut out);
        assert_eq!((counts.ignored, counts.used, counts.bad, out.len()), (1, 0, 0, 0), "{json}");
    }
}

#[test]
fn depth_is_bounded_alike_in_both_encodings() {
    let nested = |depth: usize| format!(r#"{{"x":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(Sample::parse(nested(MAX_DEPTH - 1).as_bytes(), Encoding::Json).is_ok());
    assert_eq!(Sample::parse(nested(MAX_DEPTH).as_bytes(), Encoding::Json), Err(WireError::TooDeep));
    let nested = |depth: usize| [vec![0xA1, 0x61, b'x'], vec![0x81; depth], vec![1]].concat();
    assert!(Sample::parse(&nested(MAX_DEPTH - 1), Encoding::Cbor).is_ok());
    assert_eq!(Sample::parse(&nested(MAX_DEPTH), Encoding::Cbor), Err(WireError::TooDeep));
}

#[test]
fn a_version_of_four_parts_is_refused_and_does_not_shift_what_follows() {
    let json = br#"{"protocol":{"name":"OpenTrackIO","version":[1,0,1,0]},"transforms":[{}]}"#;
    assert_eq!(Sample::parse(json, Encoding::Json), Err(WireError::Malformed("JSON sample")));
    let protocol = [b"\xA2\x64name\x6BOpenTrackIO\x67version".as_slice(), b"\x84\x01\x00\x01\x00"].concat();
    let cbor = [b"\xA2\x68protocol".as_slice(), &protocol, b"\x6Atransforms\x81\xA0"].concat();
    assert_eq!(Sample::parse(&cbor, Encoding::Cbor), Err(WireError::Malformed("CBOR sample")));
}

#[test]
fn vendor_encodings_are_ignored() {
    let header = SegmentRepr { encoding: Encoding::Json, sequence: 0, offset: 0, last: true, len: 2 };
    let mut datagram = header.emit(b"{}").unwrap();
    datagram[5] = 0x80;
    let sum = cyc_wire::opentrackio::fletcher16([&datagram[..14], b"{}"]);
    datagram[14..16].copy_from_slice(&sum.to_be_bytes());
    let mut decoder = CameraDecoder::opentrackio(OpenTrackIoProfile::default(), None);
    assert_eq!(decoder.feed(&datagram, 0, StageTime(0), &mut Vec::new()).ignored, 1);
}

/// What the reassembler made of a list of `(sequence, offset, last, bytes)`: payloads and datagrams missed.
fn run(list: &[(u16, u32, bool, &str)]) -> (Vec<String>, u64) {
    let (mut reassembler, mut payloads, mut lost) = (Reassembler::default(), Vec::new(), 0);
    for (sequence, offset, last, text) in list {
        let header = SegmentRepr {
            encoding: Encoding::Json,
            sequence: *sequence,
            offset: *offset,
            last: *last,
            len: text.len(),
        };
        let datagram = header.emit(text.as_bytes()).unwrap();
        let (outcome, missing) = reassembler.offer(&Segment::new_checked(&datagram).unwrap(), 0);
        lost += missing;
        if let Ok(Reassembly::Complete(_, payload)) = outcome {
            payloads.push(String::from_utf8(payload.to_vec()).unwrap());
        }
    }
    (payloads, lost)
}

#[test]
fn reassembly_in_every_order() {
    let payloads = |list: &[&str]| list.iter().map(|text| text.to_string()).collect::<Vec<_>>();
    let (a, b, c) = ((9, 0, false, "aa"), (10, 2, false, "bb"), (11, 4, true, "c"));
    assert_eq!(run(&[a, b, c]), (payloads(&["aabbc"]), 0));
    assert_eq!(run(&[a, c, (12, 0, true, "z")]), (payloads(&["z"]), 1), "a lost segment loses the payload");
    assert_eq!(run(&[a, c, b]), (vec![], 1), "out of order");
    assert_eq!(run(&[a, a, b, b, a, c, c]), (payloads(&["aabbc"]), 0), "copies");
    assert_eq!(run(&[b, c, (12, 0, true, "z")]), (payloads(&["z"]), 0), "joined in the middle");
    assert_eq!(run(&[a, b, (11, 0, true, "z")]), (payloads(&["z"]), 0), "given up for a new one");
    assert_eq!(run(&[a, (10, 3, true, "c")]), (vec![], 0), "an offset that does not fit");
    assert_eq!(run(&[(0, 0, true, "a"), (0, 0, true, "a")]), (payloads(&["a"]), 0), "number 0 first");
    assert_eq!(run(&[(65534, 0, true, "a"), (65535, 0, true, "b"), (0, 0, true, "c")]).0.len(), 3, "wraps");
    assert_eq!(run(&[(65534, 0, true, "a"), (2, 0, true, "b")]), (payloads(&["a", "b"]), 3), "gap over the wrap");
}

#[test]
fn a_sender_that_begins_anew_is_followed() {
    let numbered = |numbers: &mut dyn Iterator<Item = u16>| {
        let list: Vec<_> = numbers.map(|n| (n, 0, true, "x")).collect();
        run(&list)
    };
    assert_eq!(numbered(&mut [30_000, 0, 1, 2].into_iter()), (vec!["x".to_string(); 4], 0), "from afar at once");
    let (near, lost) = numbered(&mut (1u16..=40).chain(0..40));
    assert!(lost == 0 && near.len() >= 40 + 40 - 16, "from nearby after a few: {}", near.len());
    let late = numbered(&mut [10, 12, 11, 13].into_iter());
    assert_eq!(late, (vec!["x".to_string(); 3], 1), "a late one is dropped, and was counted as lost");
}

#[test]
fn sources_are_kept_apart_and_bounded() {
    let payload = vec![b' '; 3000];
    let mut reassembler = Reassembler::default();
    let mut sequence = 7;
    let datagrams = segments(&payload, Encoding::Json, &mut sequence, MAX_SEGMENT).unwrap();
    let mut complete = 0;
    for datagram in &datagrams {
        for source in 0..MAX_SOURCES as u64 {
            let (outcome, lost) = reassembler.offer(&Segment::new_checked(datagram).unwrap(), source);
            complete += usize::from(matches!(outcome, Ok(Reassembly::Complete(..))));
            assert_eq!(lost, 0);
        }
    }
    assert_eq!(complete, MAX_SOURCES);
    for source in 0..10_000 {
        reassembler.offer(&Segment::new_checked(&datagrams[0]).unwrap(), source).0.unwrap();
    }
}

#[test]
fn payloads_are_bounded() {
    let (mut reassembler, mut sequence) = (Reassembler::default(), 0);
    let datagrams = segments(&vec![0; MAX_PAYLOAD + 1], Encoding::Json, &mut sequence, 32_000).unwrap();
    let results: Vec<_> = datagrams
        .iter()
        .map(|datagram| reassembler.offer(&Segment::new_checked(datagram).unwrap(), 0).0.map(|_| ()))
        .collect();
    assert_eq!(results, [Ok(()), Ok(()), Err(WireError::TooLarge)]);
    assert_eq!(segments(&[], Encoding::Json, &mut sequence, 0), Err(WireError::BadLength));
}

#[test]
fn display_is_one_line() {
    let vector = &vectors("opentrackio_vectors.json")["samples"][0];
    let datagram = bytes(&vector["datagrams"][0]);
    let segment = Segment::new_checked(&datagram).unwrap();
    assert_eq!(segment.to_string(), format!("OpenTrackIO Json seq=0 offset=0 len={} last", datagram.len() - 16));
    assert_eq!(
        Sample::parse(segment.payload(), segment.encoding()).unwrap().to_string(),
        "OpenTrackIO source=7 transforms=1 last=(1.500 -2.250 1.625) m pan=30.000 tilt=-12.500 roll=3.250 deg f=35.00 mm"
    );
}

/// The folder of data that may be used but not copied, if it is there.
fn third_party(name: &str) -> Option<String> {
    let folder = std::env::var_os("CYCLORAMA_THIRD_PARTY_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/third-party")),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join("opentrackio").join(name)).ok();
    if text.is_none() {
        println!("ignored: absent: {name}");
    }
    text
}

#[test]
fn published_examples() {
    let names = ["complete_dynamic", "complete_static", "recommended_dynamic", "recommended_static"];
    for name in names {
        let Some(text) = third_party(&format!("{name}.json")) else { return };
        let sample = Sample::parse(text.as_bytes(), Encoding::Json).unwrap();
        let (_, lens) = sample.camera_state(&OpenTrackIoProfile::default()).unwrap().unwrap();
        assert_eq!((lens.focal_length_mm, lens.focus_distance_m), (Some(24.305), Some(10.0)), "{name}");
        assert_eq!(lens.entrance_pupil_offset_m, Some(0.123), "{name}");
        let nanos = name.starts_with("complete").then_some(1_718_806_554_500_000_000);
        assert_eq!(sample.device_nanos(), Ok(nanos), "{name}");
        assert_eq!(sample.fixed.is_some(), name.ends_with("static"), "{name}");
        for encoding in [Encoding::Json, Encoding::Cbor] {
            let payload = sample.emit(encoding).unwrap();
            assert_eq!(Sample::parse(&payload, encoding).as_ref(), Ok(&sample), "{name} {encoding:?}");
        }
    }
}

#[test]
fn published_packets() {
    let Some(text) = third_party("packets.json") else { return };
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    for packet in list(&file["packets"]) {
        let datagrams: Vec<_> = list(&packet["datagrams"]).iter().map(bytes).collect();
        let (encoding, payload) = whole(&datagrams).unwrap();
        let sample = Sample::parse(&payload, encoding).unwrap();
        assert!(sample.camera_state(&OpenTrackIoProfile::default()).unwrap().is_some(), "{}", packet["name"]);
        // Cut again, it is the same datagrams.
        let mut sequence = packet["seq"].as_u64().unwrap() as u16;
        let segment_len = datagrams[0].len() - 16;
        assert_eq!(segments(&payload, encoding, &mut sequence, segment_len).unwrap(), datagrams, "{}", packet["name"]);
    }
    for packet in list(&file["invalid"]) {
        let refused = Segment::new_checked(&bytes(&packet["hex"])).and_then(|segment| {
            match Reassembler::default().offer(&segment, 0).0? {
                Reassembly::Complete(encoding, payload) => Sample::parse(payload, encoding).map(Some),
                _ => Ok(None),
            }
        });
        assert!(!matches!(refused, Ok(Some(_))), "{}: {refused:?}", packet["name"]);
    }
}

proptest! {
    #[test]
    fn headers_round_trip(sequence: u16, offset: u32, last: bool, cbor: bool, payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let encoding = if cbor { Encoding::Cbor } else { Encoding::Json };
        let repr = SegmentRepr { encoding, sequence, offset, last, len: payload.len() };
        let datagram = repr.emit(&payload).unwrap();
        let segment = Segment::new_checked(&datagram).unwrap();
        prop_assert_eq!(SegmentRepr::parse(&segment), repr);
        prop_assert_eq!(segment.payload(), payload);
    }

    #[test]
    fn cutting_and_joining(payload in prop::collection::vec(any::<u8>(), 1..3000), len in 1usize..1500, mut sequence: u16) {
        let datagrams = segments(&payload, Encoding::Cbor, &mut sequence, len).unwrap();
        prop_assert_eq!(whole(&datagrams), Some((Encoding::Cbor, payload)));
    }

    #[test]
    fn poses_survive_the_wire(
        position in prop::array::uniform3(-1e3..1e3f64),
        [pan, tilt, roll] in prop::array::uniform3(-3.1..3.1f64),
        signs in prop::array::uniform3(prop::bool::ANY),
        focal in prop::option::of(1.0..300.0f64),
        nanos in prop::option::of(0i64..i64::MAX),
        cbor: bool,
    ) {
        let profile = OpenTrackIoProfile {
            rotation_signs: signs.map(|minus| if minus { -1.0 } else { 1.0 }),
            unit_m: 0.01,
        };
        let pose = Pose::from_pan_tilt_roll(Point3::from(position), pan, tilt, roll);
        let lens = LensSample { focal_length_mm: focal, focus_distance_m: Some(2.0), entrance_pupil_offset_m: Some(-0.1) };
        let sample = Sample::from_camera_state(3, &pose, &lens, nanos, &profile);
        let encoding = if cbor { Encoding::Cbor } else { Encoding::Json };
        let again = Sample::parse(&sample.emit(encoding).unwrap(), encoding).unwrap();
        prop_assert_eq!(&again, &sample);
        prop_assert_eq!(again.device_nanos(), Ok(nanos));
        let (back, back_lens) = again.camera_state(&profile).unwrap().unwrap();
        prop_assert!((back.position_m - pose.position_m).norm() < 1e-9);
        prop_assert!(back.orientation.angle_to(&pose.orientation) < 1e-6);
        prop_assert_eq!(back_lens, lens);
    }
}
