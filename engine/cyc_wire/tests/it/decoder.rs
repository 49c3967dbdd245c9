use cyc_core::{
    LensSample, Pose, StageTime,
    profile::{FreedProfile, OpenTrackIoProfile, OscProfile},
};
use cyc_wire::{
    CameraDecoder, Counts, WireError,
    freed::FreedRepr,
    opentrackio::{Encoding, MAX_SEGMENT, Sample, segments},
    osc::{TrackerMessage, encode_bundle},
};

fn freed(camera: u8) -> Vec<u8> {
    let lens = LensSample::default();
    FreedRepr::from_camera_state(camera, &Pose::identity(), &lens, &FreedProfile::default()).emit().to_vec()
}

fn otio(source: u32) -> Vec<u8> {
    let (pose, lens, profile) = (Pose::identity(), LensSample::default(), OpenTrackIoProfile::default());
    let payload = Sample::from_camera_state(source, &pose, &lens, None, &profile).emit(Encoding::Cbor).unwrap();
    segments(&payload, Encoding::Cbor, &mut 0, MAX_SEGMENT).unwrap().remove(0)
}

fn osc(address: &str) -> Vec<u8> {
    let messages = TrackerMessage::from_camera_state(&Pose::identity(), &LensSample::default(), OscProfile::Stage);
    encode_bundle(address, &messages, None).unwrap()
}

fn decoders() -> [CameraDecoder; 3] {
    [
        CameraDecoder::freed(FreedProfile::default(), Some(1)),
        CameraDecoder::opentrackio(OpenTrackIoProfile::default(), Some(1)),
        CameraDecoder::osc(OscProfile::Stage, "/tracker/1"),
    ]
}

#[test]
fn each_takes_its_own_camera_and_no_other() {
    let own = [freed(1), otio(1), osc("/tracker/1")];
    let other = [freed(2), otio(2), osc("/tracker/2")];
    for (i, mut decoder) in decoders().into_iter().enumerate() {
        let mut out = Vec::new();
        let mut feed = |bytes: &[u8], out: &mut Vec<_>| decoder.feed(bytes, 0, StageTime(0), out);
        assert_eq!(feed(&other[i], &mut out), Counts { ignored: 1, ..Counts::default() });
        assert!(out.is_empty());
        for (j, bytes) in own.iter().enumerate().filter(|(j, _)| *j != i) {
            assert_eq!(feed(bytes, &mut out).bad, 1, "protocol {j} on a feed of {i}");
        }
        assert_eq!(feed(&[], &mut out).bad, 1);
        assert!(out.is_empty());
    }
    for (i, mut decoder) in decoders().into_iter().enumerate() {
        let mut out = Vec::new();
        assert_eq!(decoder.feed(&own[i], 0, StageTime(0), &mut out), Counts { used: 1, ..Counts::default() });
        assert_eq!(out[0].pose, Pose::identity());
        assert_eq!(out[0].camera, if i == 2 { 0 } else { 1 });
    }
}

#[test]
fn freed_datagram_with_several_cameras_and_a_tail() {
    let datagram = [freed(2), freed(1), vec![0xD0, 1, 1, 0x6E], freed(1), b"tail".to_vec()].concat();
    let mut out = Vec::new();
    let counts = decoders()[0].feed(&datagram, 0, StageTime(0), &mut out);
    let expected = Counts { used: 2, ignored: 2, bad: 1, lost: 0, error: Some(WireError::BadMagic) };
    assert_eq!((counts, out.len()), (expected, 2));
}

#[test]
fn freed_over_a_line_in_pieces() {
    let mut decoder = CameraDecoder::freed_serial(FreedProfile::default(), Some(1));
    let line = [freed(1)[10..].to_vec(), freed(1), freed(2), freed(1)].concat();
    let (mut out, mut counts) = (Vec::new(), Counts::default());
    for piece in line.chunks(5) {
        counts.add(decoder.feed(piece, 0, StageTime(0), &mut out));
    }
    assert_eq!((counts.used, counts.ignored, out.len()), (2, 1, 2));
    assert!(counts.bad > 0);
}

#[test]
fn lost_opentrackio_datagrams_are_counted() {
    let mut decoder = decoders()[1].clone();
    let mut lost = 0;
    for sequence in [0u16, 1, 5, 6, 4, 65_000] {
        let payload = br#"{"sourceNumber":1,"transforms":[{}]}"#;
        let datagram = segments(payload, Encoding::Json, &mut sequence.clone(), MAX_SEGMENT).unwrap().remove(0);
        lost += decoder.feed(&datagram, 9, StageTime(0), &mut Vec::new()).lost;
    }
    assert_eq!(lost, 3);
}
