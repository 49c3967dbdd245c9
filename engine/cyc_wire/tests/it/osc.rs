use crate::{bytes, list, vectors};
use cyc_core::{LensSample, Pose, StageTime, profile::OscProfile};
use cyc_wire::{
    CameraDecoder, Counts, RawSample, WireError,
    osc::{Element, MAX_DEPTH, Message, Packet, TrackerMessage, decode_any, encode_bundle, encode_message},
};
use nalgebra::{Point3, Rotation3, UnitQuaternion, Vector3};
use proptest::prelude::*;
use rosc::{OscMessage, OscPacket, OscType};
use serde_json::{Value, json};

const ADDRESS: &str = "/tracker/a";

fn feed(decoder: &mut CameraDecoder, datagram: &[u8], at_nanos: i64) -> (Counts, Vec<RawSample>) {
    let mut out = Vec::new();
    let counts = decoder.feed(datagram, 0, StageTime(at_nanos), &mut out);
    (counts, out)
}

fn stage_decoder() -> CameraDecoder {
    CameraDecoder::osc(OscProfile::Stage, ADDRESS)
}

fn message(addr: &str, args: Vec<OscType>) -> Vec<u8> {
    rosc::encoder::encode(&OscPacket::Message(OscMessage { addr: addr.into(), args })).unwrap()
}

fn floats(numbers: &[f32]) -> Vec<OscType> {
    numbers.iter().map(|number| OscType::Float(*number)).collect()
}

const POSE: [f32; 7] = [1.0, -2.5, 1.75, 0.0, 0.0, 0.5, 0.5];

fn messages<'a>(element: &Element<'a>, out: &mut Vec<Message<'a>>) {
    match element {
        Element::Message(message) => out.push(*message),
        Element::Bundle(bundle) => bundle.elements().for_each(|element| messages(&element, out)),
    }
}

fn argument(argument: &OscType) -> Value {
    match argument {
        OscType::Int(number) => json!(number),
        OscType::Float(number) => json!(f64::from(*number)),
        OscType::String(text) => json!(text),
        OscType::Bool(value) => json!(value),
        OscType::Blob(blob) => json!(blob.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        other => panic!("{other:?}"),
    }
}

fn rosc_messages(packet: &OscPacket, out: &mut Vec<Value>) {
    match packet {
        OscPacket::Message(message) => {
            out.push(json!([message.addr, message.args.iter().map(argument).collect::<Vec<_>>()]));
        }
        OscPacket::Bundle(bundle) => bundle.content.iter().for_each(|packet| rosc_messages(packet, out)),
    }
}

#[test]
fn vectors_are_read_alike_by_view_and_tree() {
    let file = vectors("osc_vectors.json");
    let mut count = 0;
    for vector in ["osc_core", "vmc", "conventions"].iter().flat_map(|group| list(&file[group])) {
        let datagram = bytes(&vector["hex"]);
        let packet = Packet::new_checked(&datagram).unwrap();
        let tree = decode_any(&datagram).unwrap();
        let Some(expected) = vector["decoded"].as_array() else { continue };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        messages(&packet.element().unwrap(), &mut ours);
        rosc_messages(&tree, &mut theirs);
        assert_eq!(&theirs, expected, "{}", vector["name"]);
        let addresses: Vec<_> = ours.iter().map(|message| String::from_utf8_lossy(message.address())).collect();
        assert_eq!(json!(addresses), json!(expected.iter().map(|message| &message[0]).collect::<Vec<_>>()));
        count += 1;
    }
    assert!(count > 25, "{count}");
}

#[test]
fn invalid_vectors() {
    for vector in list(&vectors("osc_vectors.json")["invalid"]) {
        let (name, datagram) = (vector["name"].as_str().unwrap(), bytes(&vector["hex"]));
        let structure = Packet::new_checked(&datagram).map(|_| ());
        let expected = match name {
            "length not multiple of 4" => Err(WireError::BadLength),
            "address without slash" => Err(WireError::BadMagic),
            "unterminated string" => Err(WireError::Truncated),
            "bundle nested 300 deep" => Err(WireError::TooDeep),
            _ if name.starts_with("bundle element length") => Err(WireError::BadLength),
            // Arguments are looked at when they are read.
            _ => Ok(()),
        };
        assert_eq!(structure, expected, "{name}");
        let untagged = name.starts_with("missing type tag");
        assert_eq!(decode_any(&datagram).is_err(), !untagged, "{name}");
    }
}

/// Bundles in bundles, `depth` in all, with `inside` in the innermost.
fn nested(depth: usize, inside: &[u8]) -> Vec<u8> {
    let mut packet = inside.to_vec();
    for _ in 0..depth {
        let size = u32::try_from(packet.len()).unwrap().to_be_bytes();
        let mut bundle = b"#bundle\0\0\0\0\0\0\0\0\x01".to_vec();
        if !packet.is_empty() {
            bundle.extend(size);
        }
        bundle.extend(packet);
        packet = bundle;
    }
    packet
}

#[test]
fn a_tower_of_bundles_is_refused_without_climbing_it() {
    // 64,000 bytes: enough to overflow the stack of a decoder that recurses.
    let tower = nested(3200, &[]);
    assert!(tower.len() > 63_000);
    assert_eq!(Packet::new_checked(&tower), Err(WireError::TooDeep));
    assert_eq!(decode_any(&tower).unwrap_err(), WireError::TooDeep);
    let (counts, out) = feed(&mut stage_decoder(), &tower, 0);
    assert_eq!((counts.bad, out.len()), (1, 0));

    let pose = message("/tracker/a/pose", floats(&POSE));
    assert_eq!(feed(&mut stage_decoder(), &nested(MAX_DEPTH, &pose), 0).1.len(), 1);
    assert_eq!(feed(&mut stage_decoder(), &nested(MAX_DEPTH + 1, &pose), 0).0.error, Some(WireError::TooDeep));
}

#[test]
fn default_profile() {
    let mut decoder = stage_decoder();
    let (counts, out) = feed(&mut decoder, &message("/tracker/a/pose", floats(&POSE)), 0);
    assert_eq!((counts, out.len()), (Counts { used: 1, ..Counts::default() }, 1));
    assert_eq!(out[0].pose.position_m, Point3::new(1.0, -2.5, 1.75));
    let left = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 90f64.to_radians());
    assert!(out[0].pose.orientation.angle_to(&left) < 1e-7, "normalised");
    assert_eq!((out[0].lens, out[0].device_nanos), (LensSample::default(), None));

    // A lens by itself is kept for the poses that follow.
    let (counts, out) = feed(&mut decoder, &message("/tracker/a/lens", floats(&[35.0, 4.0])), 0);
    assert_eq!((counts.used, out.len()), (1, 0));
    let (_, out) = feed(&mut decoder, &message("/tracker/a/pose", floats(&POSE)), 0);
    assert_eq!((out[0].lens.focal_length_mm, out[0].lens.focus_distance_m), (Some(35.0), Some(4.0)));
}

#[test]
fn bundles_belong_together_and_carry_time() {
    let pose = TrackerMessage::Pose { position_m: [0.5; 3], quaternion_xyzw: [0.0, 0.0, 0.0, 1.0] };
    let lens = TrackerMessage::Lens { focal_length_mm: 50.0, focus_distance_m: 0.0 };
    for order in [[pose, lens], [lens, pose]] {
        let datagram = encode_bundle(ADDRESS, &order, Some(1_790_000_000_123_456_789)).unwrap();
        let (counts, out) = feed(&mut stage_decoder(), &datagram, 0);
        assert_eq!((counts.used, out.len()), (1, 1));
        assert_eq!((out[0].lens.focal_length_mm, out[0].lens.focus_distance_m), (Some(50.0), None));
        assert_eq!(out[0].device_nanos, Some(1_790_000_000_123_456_789));
    }
    let immediately = encode_bundle(ADDRESS, &[pose], None).unwrap();
    assert_eq!(feed(&mut stage_decoder(), &immediately, 0).1[0].device_nanos, None);
}

#[test]
fn arguments_of_other_number_types_and_surplus() {
    let mixed = vec![
        OscType::Int(1),
        OscType::Double(-2.5),
        OscType::Long(3),
        OscType::Float(0.0),
        OscType::Int(0),
        OscType::Int(0),
        OscType::Int(2),
        OscType::String("surplus".into()),
        OscType::Float(f32::NAN),
    ];
    let (_, out) = feed(&mut stage_decoder(), &message("/tracker/a/pose", mixed), 0);
    assert_eq!(out[0].pose, Pose { position_m: Point3::new(1.0, -2.5, 3.0), ..Pose::identity() });
}

#[test]
fn what_is_refused() {
    let with = |i: usize, value: OscType| {
        let mut arguments = floats(&POSE);
        arguments[i] = value;
        message("/tracker/a/pose", arguments)
    };
    let mut cases = vec![
        ("zero quaternion", message("/tracker/a/pose", floats(&[1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]))),
        ("six floats", message("/tracker/a/pose", floats(&POSE[..6]))),
        ("no arguments", message("/tracker/a/pose", vec![])),
        ("a string", with(2, OscType::String("1.0".into()))),
        ("a truth", with(2, OscType::Bool(true))),
        ("no focal length", message("/tracker/a/lens", floats(&[0.0, 1.0]))),
        ("endless focus", message("/tracker/a/lens", floats(&[35.0, f32::INFINITY]))),
        ("huge quaternion", with(3, OscType::Double(1e300))),
    ];
    for (i, name) in ["NaN x", "NaN y", "NaN z", "NaN qx", "NaN qy", "NaN qz", "NaN qw"].into_iter().enumerate() {
        cases.push((name, with(i, OscType::Float(f32::NAN))));
        cases.push((name, with(i, OscType::Double(f64::NEG_INFINITY))));
    }
    for (name, datagram) in cases {
        let (counts, out) = feed(&mut stage_decoder(), &datagram, 0);
        assert_eq!((counts.used, counts.bad, counts.ignored, out.len()), (0, 1, 0, 0), "{name}");
        assert!(matches!(counts.error, Some(WireError::BadValue(_) | WireError::Truncated)), "{name}");
    }
}

#[test]
fn other_addresses_are_ignored() {
    for address in ["/tracker/b/pose", "/tracker/a", "/tracker/apose", "/tracker/a/pose/x", "/tracker/a/position"] {
        let (counts, out) = feed(&mut stage_decoder(), &message(address, floats(&POSE)), 0);
        assert_eq!((counts, out.len()), (Counts { ignored: 1, ..Counts::default() }, 0), "{address}");
    }
    let (counts, _) =
        feed(&mut CameraDecoder::osc(OscProfile::Stage, "/tracker/a/"), &message("/tracker/a/pose", floats(&POSE)), 0);
    assert_eq!(counts.used, 1, "a slash at the end of the address makes no difference");
}

#[test]
fn good_and_bad_in_one_bundle() {
    let bundle = |contents: Vec<(&str, Vec<OscType>)>| {
        let content = contents
            .into_iter()
            .map(|(addr, args)| OscPacket::Message(OscMessage { addr: addr.into(), args }))
            .collect();
        rosc::encoder::encode(&OscPacket::Bundle(rosc::OscBundle { timetag: (0, 1).into(), content })).unwrap()
    };
    let datagram = bundle(vec![("/tracker/a/lens", vec![]), ("/x", vec![]), ("/tracker/a/pose", floats(&POSE))]);
    let (counts, out) = feed(&mut stage_decoder(), &datagram, 0);
    assert_eq!((counts.used, counts.bad, counts.ignored, out.len()), (1, 1, 0, 1));
}

/// Unity's own arithmetic, in its axes: `Quaternion.Euler` turns about Z, then X, then Y.
fn unity_forward(rotation_deg: [f64; 3], direction: Vector3<f64>) -> Vector3<f64> {
    // In coordinates, Unity's left-handed turns have the same matrices as right-handed ones.
    let [x, y, z] = rotation_deg.map(f64::to_radians);
    let turn = |axis, angle| Rotation3::from_axis_angle(&axis, angle);
    turn(Vector3::y_axis(), y) * (turn(Vector3::x_axis(), x) * (turn(Vector3::z_axis(), z) * direction))
}

#[test]
fn vrchat_axes() {
    let pose = TrackerMessage::vrchat_pose([1.0, 2.0, 3.0], [0.0, 90.0, 0.0]).unwrap();
    assert_eq!(pose.position_m, Point3::new(1.0, 3.0, 2.0));
    assert!((pose.orientation * Vector3::y() - Vector3::x()).norm() < 1e-12, "yaw 90 looks right");
    let down = TrackerMessage::vrchat_pose([0.0; 3], [90.0, 0.0, 0.0]).unwrap();
    assert!((down.orientation * Vector3::y() + Vector3::z()).norm() < 1e-12, "pitch 90 looks down");
    let tilted = TrackerMessage::vrchat_pose([0.0; 3], [0.0, 0.0, 90.0]).unwrap();
    assert!((tilted.orientation * Vector3::x() - Vector3::z()).norm() < 1e-12, "roll 90 lifts the right side");
}

#[test]
fn vrchat_vectors_pair() {
    let file = vectors("osc_vectors.json");
    let vector = |i: usize| bytes(&file["conventions"][i]["hex"]);
    let mut decoder = CameraDecoder::osc(OscProfile::VrChat, "/tracking/trackers/1");
    let (counts, out) = feed(&mut decoder, &vector(0), 0);
    assert_eq!((counts.used, out.len()), (1, 0));
    assert_eq!(feed(&mut decoder, &vector(2), 10).0.ignored, 1, "the head is another tracker");
    let (_, out) = feed(&mut decoder, &vector(1), 200_000);
    let expected = TrackerMessage::vrchat_pose([0.1f32, 1.2, -0.3].map(f64::from), [10.0, 20.0, 30.0]).unwrap();
    assert_eq!(out[0].pose, expected);
    assert_eq!(feed(&mut decoder, &vector(1), 60_000_000).1, [], "a rotation by itself makes no pose");
}

#[test]
fn vrchat_halves_in_one_bundle() {
    let halves = [TrackerMessage::Rotation([0.0; 3]), TrackerMessage::Position([1.0, 2.0, 3.0])];
    let datagram = encode_bundle(ADDRESS, &halves, Some(5)).unwrap();
    let (_, out) = feed(&mut CameraDecoder::osc(OscProfile::VrChat, ADDRESS), &datagram, 0);
    assert_eq!((out.len(), out[0].device_nanos), (1, Some(5)));
}

#[test]
fn display_is_one_line() {
    let datagram = message("/tracker/a/pose", floats(&POSE));
    let Some(Element::Message(view)) = Packet::new_checked(&datagram).unwrap().element() else { panic!() };
    assert_eq!(view.to_string(), "OSC /tracker/a/pose ,fffffff 28 bytes");
    let repr = TrackerMessage::parse(&view, ADDRESS, OscProfile::Stage).unwrap().unwrap();
    assert_eq!(repr.to_string(), "pose (1.000 -2.500 1.750) m xyzw=(0.0000 0.0000 0.5000 0.5000)");
    let datagram = encode_bundle(ADDRESS, &[repr], None).unwrap();
    let Some(Element::Bundle(view)) = Packet::new_checked(&datagram).unwrap().element() else { panic!() };
    assert_eq!(view.to_string(), "OSC bundle time=0000000000000001 elements=1");
}

proptest! {
    #[test]
    fn unity_rotations(rotation in prop::array::uniform3(-180.0..180.0f64), direction in prop::array::uniform3(-1.0..1.0f64)) {
        let pose = TrackerMessage::vrchat_pose([0.0; 3], rotation).unwrap();
        let swapped = |v: Vector3<f64>| Vector3::new(v.x, v.z, v.y);
        let direction = Vector3::from(direction);
        let expected = swapped(unity_forward(rotation, direction));
        prop_assert!((pose.orientation * swapped(direction) - expected).norm() < 1e-9);
    }

    #[test]
    fn tracker_messages_round_trip(numbers in prop::array::uniform7(1e-3..1e6f64), single: bool, kind in 0..4) {
        let [a, b, c, d, e, f, g] = numbers.map(|number| if single { f64::from(number as f32) } else { number });
        let (repr, profile) = match kind {
            0 => (TrackerMessage::Pose { position_m: [a, b, c], quaternion_xyzw: [d, e, f, g] }, OscProfile::Stage),
            1 => (TrackerMessage::Lens { focal_length_mm: a, focus_distance_m: b }, OscProfile::Stage),
            2 => (TrackerMessage::Position([a, b, c]), OscProfile::VrChat),
            _ => (TrackerMessage::Rotation([a, b, c]), OscProfile::VrChat),
        };
        let datagram = encode_message(ADDRESS, &repr).unwrap();
        let Some(Element::Message(view)) = Packet::new_checked(&datagram).unwrap().element() else { panic!() };
        prop_assert_eq!(TrackerMessage::parse(&view, ADDRESS, profile), Ok(Some(repr)));
        prop_assert!(!single || view.type_tags().iter().all(|tag| *tag == b'f'));
    }

    #[test]
    fn poses_survive_the_wire(
        position in prop::array::uniform3(-50.0..50.0f64),
        [pan, tilt, roll] in prop::array::uniform3(-3.1..3.1f64),
        vrchat: bool,
    ) {
        let profile = if vrchat { OscProfile::VrChat } else { OscProfile::Stage };
        let pose = Pose::from_pan_tilt_roll(Point3::from(position), pan, tilt, roll);
        let lens = LensSample { focal_length_mm: Some(35.0), focus_distance_m: Some(4.0), entrance_pupil_offset_m: None };
        let messages = TrackerMessage::from_camera_state(&pose, &lens, profile);
        let datagram = encode_bundle(ADDRESS, &messages, None).unwrap();
        let (_, out) = feed(&mut CameraDecoder::osc(profile, ADDRESS), &datagram, 0);
        prop_assert!((out[0].pose.position_m - pose.position_m).norm() < 1e-5);
        prop_assert!(out[0].pose.orientation.angle_to(&pose.orientation) < 1e-6);
        prop_assert_eq!(out[0].lens, if vrchat { LensSample::default() } else { lens });
    }
}
