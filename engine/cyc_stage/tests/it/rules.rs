//! What the file means where nothing is wrong: defaults, short forms, what may share a port.

use crate::{BASE, parse};
use cyc_color::signal::{Gamut, Signal, Transfer};
use cyc_core::profile::{FreedProfile, OscProfile, Profile};
use cyc_core::{LossPolicy, Rate};
use cyc_stage::stage::{Genlock, Monitor, Protocol, Rect, Stage, Transport};
use cyc_stage::{Code, Problems};
use nalgebra::Point3;

fn with(edits: &[(&str, &str)]) -> Result<Stage, Problems> {
    let mut text = BASE.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from:?} is not in the file");
        text = text.replace(from, to);
    }
    parse(&text).map(|loaded| loaded.stage)
}

fn good(edits: &[(&str, &str)]) -> Stage {
    with(edits).unwrap_or_else(|problems| panic!("{problems}"))
}

fn codes(edits: &[(&str, &str)]) -> Vec<Code> {
    with(edits).map_or_else(|problems| problems.list.iter().map(|p| p.code).collect(), |_| Vec::new())
}

#[test]
fn defaults_are_the_promised_ones() {
    let stage = good(&[]);
    assert_eq!(stage.eye_point_m, Point3::new(0.0, 0.0, 1.6));
    assert_eq!(stage.genlock, Genlock::default());
    assert!(stage.latency.late_latch && stage.latency.late_warp && !stage.latency.exposure_true);
    let wall = &stage.walls[0];
    assert_eq!(wall.size_px, [400, 200]);
    assert_eq!(wall.stage_from_wall, nalgebra::Isometry3::identity());
    let feed = &stage.feeds[0];
    assert_eq!(
        (feed.delay_nanos, feed.loss),
        (0, LossPolicy { predict_nanos: 250_000_000, hold_nanos: 2_000_000_000 })
    );
    assert_eq!(feed.profile, Profile::Freed(FreedProfile::default()));
    let camera = &stage.cameras[0];
    assert_eq!((camera.feed, camera.fixed_pose), (Some(0), None));
    assert_eq!((camera.inner.overscan, camera.inner.soft_edge), (1.25, 0.05));
    assert_eq!(camera.exposure.rate, Rate::new(24, 1).unwrap());
    let output = &stage.outputs[0];
    assert_eq!(output.size_px, [400, 200]);
    assert_eq!(output.regions[0].wall_px, Rect { x: 0, y: 0, width: 400, height: 200 });
    assert_eq!((output.latency_frames, output.signal), (0, Signal::default()));
    assert_eq!(good(&[("focal_length_mm = 35.0\n", "")]).cameras[0].focal_length_mm, 35.0);
}

#[test]
fn an_output_without_an_id_is_called_node_wall() {
    assert_eq!(good(&[("id = \"out\"\n", "")]).outputs[0].id, "n1-main");
    let two = "wall = \"main\"\n\n[[output]]\nnode = \"n1\"\nwall = \"main\"\n";
    assert_eq!(codes(&[("id = \"out\"\n", ""), ("wall = \"main\"\n", two)]), [Code::DuplicateId]);
}

#[test]
fn regions_pack_an_output() {
    let regions = "regions = [{ wall = \"main\", wall_px = { x = 0, y = 0, width = 400, height = 100 } }, \
                   { wall = \"main\", wall_px = { x = 0, y = 100, width = 400, height = 100 }, at_px = [400, 50] }]";
    let output = &good(&[("wall = \"main\"", regions)]).outputs[0];
    assert_eq!(output.size_px, [800, 150]);
    assert_eq!(output.regions[1].at_px, [400, 50]);
}

#[test]
fn the_soft_edge_default_fits_a_narrow_overscan() {
    let inner = good(&[("overscan = 1.25", "overscan = 1.0")]).cameras[0].inner;
    assert_eq!((inner.overscan, inner.soft_edge), (1.0, 0.0));
    let inner = good(&[("overscan = 1.25", "overscan = 1.02")]).cameras[0].inner;
    assert!((1.0 - inner.soft_edge) * inner.overscan >= 1.0 - 1e-12);
    // Exactly at the limit is allowed.
    assert_eq!(good(&[("overscan = 1.25", "overscan = 1.25, soft_edge = 0.2")]).cameras[0].inner.soft_edge, 0.2);
    assert_eq!(codes(&[("overscan = 1.25", "overscan = 1.25, soft_edge = 0.201")]), [Code::SoftEdge]);
}

#[test]
fn a_camera_may_stand_still_or_wait() {
    let feedless =
        [("feed = \"trk-a\"\nfocal_length_mm = 35.0\n", "position_m = [1, 2, 3]\nrotation_deg = { pan = 90 }\n")];
    let stage = good(&feedless);
    let pose = stage.cameras[0].fixed_pose.unwrap();
    assert_eq!(pose.position_m, Point3::new(1.0, 2.0, 3.0));
    let ahead = pose.orientation * nalgebra::Vector3::y();
    assert!((ahead - nalgebra::Vector3::new(-1.0, 0.0, 0.0)).norm() < 1e-12, "pan turns left: {ahead}");
    let waiting = good(&[("feed = \"trk-a\"\nfocal_length_mm = 35.0\n", "")]);
    assert_eq!((waiting.cameras[0].feed, waiting.cameras[0].fixed_pose), (None, None));
}

#[test]
fn signals_and_windows_are_read() {
    let signal = "wall = \"main\"\nsignal = { transfer = \"pq\", gamut = \"rec2020\", peak_nits = 1500, bits = 10, latency_frames = 2 }\nmonitor = \"DP-1\"\nposition_px = [-1920, 0]";
    let output = &good(&[("wall = \"main\"", signal)]).outputs[0];
    assert_eq!((output.signal.transfer, output.signal.gamut), (Transfer::Pq, Gamut::Rec2020));
    assert_eq!((output.signal.peak_nits, output.signal.bits, output.latency_frames), (1500.0, 10, 2));
    assert_eq!(output.window.monitor, Some(Monitor::Name("DP-1".into())));
    assert_eq!(output.window.position_px, Some([-1920, 0]));
    assert_eq!(good(&[("wall = \"main\"", "wall = \"main\"\nlatency_frames = 3")]).outputs[0].latency_frames, 3);
}

const FEED: &str = "protocol.freed = { udp = \"127.0.0.1:40000\", camera_id = 1 }";

#[test]
fn feeds_are_read() {
    let freed = good(&[(FEED, "protocol.freed = { udp = \"[::1]:40000\" }\ndelay_ms = -2.5\nprofile = \"zcam\"")]);
    let feed = &freed.feeds[0];
    assert_eq!(feed.delay_nanos, -2_500_000);
    assert_eq!(feed.profile, Profile::Freed(FreedProfile::named("zcam").unwrap()));
    let Protocol::Freed { transport: Transport::Udp(udp), camera_id: None } = &feed.protocol else {
        panic!("{feed:?}")
    };
    assert_eq!(udp.to_string(), "[::1]:40000");

    let osc = good(&[(FEED, "protocol.osc = { udp = \"0.0.0.0:9000\", address = \"/t/1\" }\nprofile = \"vrchat\"")]);
    assert_eq!(osc.feeds[0].profile, Profile::Osc(OscProfile::VrChat));

    let track = "protocol.opentrackio = { udp = \"239.135.1.1:55555\", interface = \"10.0.0.5\", source_number = 7 }\nprofile = { rotation_signs = [-1, 1, 1] }";
    let feed = good(&[(FEED, track)]).feeds[0].clone();
    let Protocol::OpenTrackIo { interface, source_number, .. } = feed.protocol else { panic!("{feed:?}") };
    assert_eq!((interface, source_number), (Some([10, 0, 0, 5].into()), Some(7)));
    assert!(matches!(feed.profile, Profile::OpenTrackIo(profile) if profile.rotation_signs == [-1.0, 1.0, 1.0]));
}

/// The codes when two feeds of these protocols stand side by side.
fn pair(first: &str, second: &str) -> Vec<Code> {
    let both = format!("{first}\n\n[[feed]]\nid = \"trk-b\"\n{second}");
    let found = codes(&[(FEED, &both)]);
    found.into_iter().filter(|code| *code != Code::UnusedFeed).collect()
}

#[test]
fn feeds_share_a_port_only_where_packets_say_whose_they_are() {
    let freed = |ip: &str, rest: &str| format!("protocol.freed = {{ udp = \"{ip}:4000\"{rest} }}");
    let track = |ip: &str, rest: &str| format!("protocol.opentrackio = {{ udp = \"{ip}:4000\"{rest} }}");
    let osc = |address: &str| format!("protocol.osc = {{ udp = \"127.0.0.1:4000\", address = \"{address}\" }}");
    let (ip, shared) = ("127.0.0.1", vec![Code::SharedPort]);
    assert_eq!(pair(&freed(ip, ", camera_id = 1"), &freed(ip, ", camera_id = 2")), []);
    assert_eq!(pair(&freed(ip, ", camera_id = 1"), &freed(ip, "")), shared);
    assert_eq!(pair(&freed(ip, ", camera_id = 1"), &freed("127.0.0.2", ", camera_id = 1")), []);
    assert_eq!(pair(&freed(ip, ", camera_id = 1"), &freed("0.0.0.0", ", camera_id = 2")), shared);
    assert_eq!(pair(&track(ip, ", source_number = 1"), &track(ip, ", source_number = 2")), []);
    assert_eq!(pair(&track(ip, ""), &track(ip, ", source_number = 2")), shared);
    assert_eq!(pair(&track("239.135.1.1", ""), &track("239.135.1.2", "")), []);
    assert_eq!(pair(&osc("/a"), &osc("/b")), []);
    assert_eq!(pair(&osc("/a"), &osc("/a")), shared);
    assert_eq!(pair(&osc("/a"), &freed(ip, ", camera_id = 1")), shared);
}

#[test]
fn whole_numbers_are_numbers() {
    let stage = good(&[("pitch_mm = 5.0", "pitch_mm = 5"), ("width_mm = 36.0", "width_mm = 36")]);
    assert_eq!(stage.walls[0].panel.pitch_mm, 5.0);
    assert_eq!(codes(&[("columns = 4", "columns = 4.0")]), [Code::WrongType]);
}

#[test]
fn the_view_is_readable() {
    let view = serde_json::to_value(good(&[("wall = \"main\"", "wall = \"main\"\nmonitor = 1")])).unwrap();
    assert_eq!(view["frame_rate"], "24");
    assert_eq!(view["walls"][0]["corners_m"]["top_right"], serde_json::json!([1.0, 0.0, 1.0]));
    assert_eq!(view["cameras"][0]["feed"], "trk-a");
    assert_eq!(view["outputs"][0]["regions"][0]["wall"], "main");
    assert_eq!(view["outputs"][0]["monitor"], 1);
    assert_eq!(view["feeds"][0]["protocol"]["freed"]["udp"], "127.0.0.1:40000");
}

#[test]
fn only_released_formats_are_read() {
    for format in ["-9223372036854775808", "-1", "0", "2", "9223372036854775807"] {
        let format = format!("format = {format}");
        assert_eq!(codes(&[("format = 1", &format)]), [Code::Format], "{format}");
    }
    assert_eq!(codes(&[("format = 1", "format = \"1\"")]), [Code::WrongType]);
}
