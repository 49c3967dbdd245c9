use crate::{bytes, list, vectors};
use cyc_core::{LensSample, Pose, profile::FreedProfile};
use cyc_wire::{
    WireError,
    freed::{FreedRepr, Message, Packet, Stream, messages},
};
use nalgebra::{Point3, Vector3};
use proptest::prelude::*;
use serde_json::Value;

fn check(packet: &Packet<'_>, expected: &Value) {
    let repr = FreedRepr::parse(packet);
    let number = |name: &str| expected[name].as_f64().unwrap();
    assert_eq!(f64::from(repr.camera), number("camera_id"));
    assert_eq!([repr.pan_deg, repr.tilt_deg, repr.roll_deg], ["pan_deg", "tilt_deg", "roll_deg"].map(number));
    assert_eq!(repr.position_steps.map(|steps| f64::from(steps) / 64.0), ["x_mm", "y_mm", "z_mm"].map(number));
    assert_eq!(f64::from(repr.zoom), number("zoom_raw"));
    assert_eq!(f64::from(repr.focus), number("focus_raw"));
    assert_eq!(f64::from(repr.spare), number("spare"));
}

#[test]
fn vectors_read_and_write_back() {
    let file = vectors("freed_vectors.json");
    let real = list(&file["real"]).iter().map(|vector| (vector, "decoded_exact"));
    let derived = list(&file["derived"]).iter().map(|vector| (vector, "decoded"));
    let mut count = 0;
    for (vector, key) in real.chain(derived) {
        let datagram = bytes(&vector["hex"]);
        let packet = Packet::new_checked(&datagram).unwrap();
        check(&packet, &vector[key]);
        assert_eq!(FreedRepr::parse(&packet).emit().as_slice(), datagram);
        count += 1;
    }
    assert_eq!(count, 15);
}

#[test]
fn other_messages_are_recognised() {
    for vector in list(&vectors("freed_vectors.json")["other_messages"]) {
        let datagram = bytes(&vector["hex"]);
        assert!(matches!(Message::split(&datagram), Ok((Message::Other { kind, .. }, [])) if kind == datagram[0]));
        assert_eq!(Packet::new_checked(&datagram), Err(WireError::BadMagic));
    }
}

#[test]
fn invalid_vectors() {
    let file = vectors("freed_vectors.json");
    let vector = |i: usize| bytes(&file["invalid"][i]["hex"]);
    let refused = [WireError::BadChecksum, WireError::Truncated, WireError::BadLength, WireError::Truncated];
    for (i, error) in refused.into_iter().enumerate() {
        assert_eq!(Packet::new_checked(&vector(i)), Err(error), "{}", file["invalid"][i]["name"]);
    }
    assert_eq!(Packet::new_checked(&vector(4)), Err(WireError::BadChecksum), "a D3 of 13 bytes");
    for (i, found) in [(5, 1), (6, 2)] {
        let (mut whole, mut count) = (Stream::default(), 0);
        whole.push(&vector(i), |_| count += 1);
        assert_eq!(count, found);
        let (mut byte_by_byte, mut count) = (Stream::default(), 0);
        vector(i).iter().for_each(|byte| {
            byte_by_byte.push(&[*byte], |_| count += 1);
        });
        assert_eq!(count, found);
    }
}

#[test]
fn several_in_one_datagram_then_garbage() {
    let first = FreedRepr { camera: 1, ..zero() }.emit();
    let second = FreedRepr { camera: 2, ..zero() }.emit();
    let datagram = [&first[..], &[0xD0, 1, 1, 0x6E], &second, &[0xD1, 0, 0]].concat();
    let cameras: Vec<_> = messages(&datagram)
        .map(|message| message.map(|message| if let Message::Position(p) = message { p.camera() } else { 0 }))
        .collect();
    assert_eq!(cameras, [Ok(1), Ok(0), Ok(2), Err(WireError::Truncated)]);
}

fn zero() -> FreedRepr {
    FreedRepr {
        camera: 0,
        pan_deg: 0.0,
        tilt_deg: 0.0,
        roll_deg: 0.0,
        position_steps: [0; 3],
        zoom: 0,
        focus: 0,
        spare: 0,
    }
}

#[test]
fn axes_of_the_manual() {
    let state = |repr: FreedRepr, profile| repr.camera_state(&profile).unwrap().0;
    let right = state(FreedRepr { pan_deg: 90.0, ..zero() }, FreedProfile::default());
    assert!((right.orientation * Vector3::y() - Vector3::x()).norm() < 1e-12, "positive pan turns right");
    let up = state(FreedRepr { tilt_deg: 90.0, ..zero() }, FreedProfile::default());
    assert!((up.orientation * Vector3::y() - Vector3::z()).norm() < 1e-12, "positive tilt looks up");
    let clockwise = state(FreedRepr { roll_deg: 90.0, ..zero() }, FreedProfile::default());
    assert!((clockwise.orientation * Vector3::z() - Vector3::x()).norm() < 1e-12, "positive roll is clockwise");
    let left = state(FreedRepr { pan_deg: 90.0, ..zero() }, FreedProfile { pan_sign: -1.0, ..Default::default() });
    assert!((left.orientation * Vector3::y() + Vector3::x()).norm() < 1e-12);

    let placed = FreedRepr { position_steps: [64_000, -128_032, 96_001], ..zero() };
    let position = state(placed, FreedProfile::default()).position_m;
    assert!((position - Point3::new(1.0, -2.0005, 1.500_015_625)).norm() < 1e-12);
    let swapped =
        FreedProfile { position_axes: [1, 0, 2], position_signs: [-1.0, 1.0, 1.0], ..FreedProfile::default() };
    assert!((state(placed, swapped).position_m - Point3::new(2.0005, 1.0, 1.500_015_625)).norm() < 1e-12);
}

#[test]
fn profiles_without_meaning_are_refused() {
    let axis = FreedProfile { position_axes: [0, 1, 3], ..FreedProfile::default() };
    assert_eq!(zero().camera_state(&axis), Err(WireError::BadValue("position_axes")));
    for steps_per_mm in [0.0, f64::NAN] {
        let scale = FreedProfile { steps_per_mm, ..FreedProfile::default() };
        assert_eq!(zero().camera_state(&scale), Err(WireError::BadValue("free-d profile")));
    }
}

#[test]
fn lens_counts_by_profile() {
    let repr = FreedRepr { zoom: 3500, focus: 25_000, ..zero() };
    assert_eq!(repr.camera_state(&FreedProfile::default()).unwrap().1, LensSample::default());
    let (_, lens) = repr.camera_state(&FreedProfile::named("zcam").unwrap()).unwrap();
    assert!((lens.focal_length_mm.unwrap() - 35.0).abs() < 1e-9);
    assert!((lens.focus_distance_m.unwrap() - 2.5).abs() < 1e-9);
    // Counts may run backwards; beyond the ends the ends hold.
    let ranged = FreedProfile { zoom: Some([[4095.0, 24.0], [1365.0, 70.0]]), ..FreedProfile::default() };
    let focal = |zoom| FreedRepr { zoom, ..zero() }.camera_state(&ranged).unwrap().1.focal_length_mm.unwrap();
    assert_eq!([focal(4095), focal(2730), focal(1365), focal(5000), focal(0)], [24.0, 47.0, 70.0, 24.0, 70.0]);
    let point = FreedProfile { zoom: Some([[5.0, 24.0], [5.0, 70.0]]), ..FreedProfile::default() };
    assert_eq!(FreedRepr { zoom: 5, ..zero() }.camera_state(&point).unwrap().1.focal_length_mm, None);
}

#[test]
fn every_vendor_of_the_table_has_a_profile() {
    for profile in list(&vectors("freed_vendor_profiles.json")["profiles"]) {
        let name: String = profile["name"].as_str().unwrap().to_lowercase().replace(['-', ' '], "");
        assert!(FreedProfile::names().any(|known| name.contains(known)), "{name}");
    }
    assert!(FreedProfile::names().all(|name| FreedProfile::named(name).is_some()));
    assert_eq!(FreedProfile::named("Sony"), None);
}

#[test]
fn display_is_one_line() {
    let datagram = bytes(&vectors("freed_vectors.json")["derived"][8]["hex"]);
    assert_eq!(
        Packet::new_checked(&datagram).unwrap().to_string(),
        "free-d D1 camera=2 pan=45.0000 tilt=-30.0000 roll=2.5000 deg x=1000.00 y=-2000.50 z=1500.02 mm \
         zoom=524288 focus=1048575 spare=0000"
    );
}

proptest! {
    #[test]
    fn any_message_round_trips(body: [u8; 27]) {
        let mut message = [0; 29];
        message[0] = 0xD1;
        message[1..28].copy_from_slice(&body);
        message[28] = cyc_wire::freed::checksum(&message[..28]);
        let packet = Packet::new_checked(&message).unwrap();
        prop_assert_eq!(FreedRepr::parse(&packet).emit(), message);
    }

    #[test]
    fn one_wrong_bit_is_noticed(body: [u8; 27], bit in 0usize..232) {
        let mut message = [0; 29];
        message[0] = 0xD1;
        message[1..28].copy_from_slice(&body);
        message[28] = cyc_wire::freed::checksum(&message[..28]);
        message[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Packet::new_checked(&message).is_err());
    }

    #[test]
    fn poses_survive_the_wire(
        position in prop::array::uniform3(-100.0..100.0f64),
        angles in prop::array::uniform3(-3.1..3.1f64),
        signs in prop::array::uniform6(prop::bool::ANY),
        swap: bool,
    ) {
        let [pan_sign, tilt_sign, roll_sign, x, y, z] = signs.map(|minus| if minus { -1.0 } else { 1.0 });
        let profile = FreedProfile {
            pan_sign, tilt_sign, roll_sign,
            position_axes: if swap { [1, 0, 2] } else { [0, 1, 2] },
            position_signs: [x, y, z],
            zoom: Some([[0.0, 10.0], [65_536.0, 100.0]]),
            ..FreedProfile::default()
        };
        let [pan, tilt, roll] = angles;
        let pose = Pose::from_pan_tilt_roll(Point3::from(position), pan, tilt, roll);
        let lens = LensSample { focal_length_mm: Some(35.0), ..LensSample::default() };
        let emitted = FreedRepr::from_camera_state(9, &pose, &lens, &profile).emit();
        let repr = FreedRepr::parse(&Packet::new_checked(&emitted).unwrap());
        let (again, lens) = repr.camera_state(&profile).unwrap();
        prop_assert!((again.position_m - pose.position_m).norm() < 1.5e-5);
        prop_assert!(again.orientation.angle_to(&pose.orientation) < 1e-6);
        prop_assert!((lens.focal_length_mm.unwrap() - 35.0).abs() < 1e-3);
    }
}
