//! Feeds over real sockets on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by unwrapping it")]

mod support;

use cyc_core::{Clock, Pose, PoseSource, Quality, StageTime, Timeline};
use cyc_link::sim::{Faults, SimProtocol, path};
use cyc_link::{FakeClock, LinkError, MonotonicClock, SimOptions, SimulatedTracker, StageFeeds};
use cyc_stage::stage::{Protocol, Stage, Transport};
use cyc_wire::opentrackio::Encoding;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::*;

fn start(stage: &Stage) -> StageFeeds {
    StageFeeds::start(stage, Arc::new(MonotonicClock)).unwrap()
}

fn refused(stage: &Stage) -> LinkError {
    StageFeeds::start(stage, Arc::new(MonotonicClock)).err().expect("must not start")
}

fn packets(feeds: &StageFeeds, feed: &str) -> u64 {
    feeds.view(feed).unwrap().report().packets
}

/// The names of this process's threads.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .map(|n| n.trim().into())
        .collect()
}

#[test]
fn a_packet_becomes_a_pose_with_its_kernel_stamp() {
    let feeds = start(&stage(vec![feed("a", freed("127.0.0.1:0", Some(1)))]));
    let socket = sender(&feeds, "a");
    assert_eq!(feeds.sample("cam-a", MonotonicClock.now()).input, None);
    let before = MonotonicClock.now();
    socket.send(&message(1, 0.25)).unwrap();
    let after = MonotonicClock.now();
    until("the packet", || feeds.sample("cam-a", after).input.is_some());
    let state = feeds.sample("cam-a", after);
    let received = state.received.unwrap();
    // The two clocks are compared through their offset, whose error is far below a tenth of a millisecond.
    assert!(received >= before.plus_nanos(-100_000) && received <= after.plus_nanos(100_000));
    assert_eq!(state.capture, Some(received), "free-d carries no time");
    let input = state.input.unwrap();
    assert!((input.pose.position_m.x - 0.25).abs() < 1e-4);
    assert_eq!((input.focal_length_mm, input.focus_distance_m), (50.0, None));
    assert_eq!(feeds.sample("cam-x", after), cyc_core::CameraState::LOST);
}

#[test]
fn mount_lens_and_fixed_poses_are_applied() {
    let mut stage = stage(vec![feed("a", osc("127.0.0.1:0", "/tracker/a"))]);
    let quarter = std::f64::consts::FRAC_PI_2;
    stage.cameras[0].mount = Pose::from_pan_tilt_roll([0.0, 0.5, 0.0].into(), quarter, 0.0, 0.0);
    let mut tripod = camera("tripod", None);
    tripod.fixed_pose = Some(pose(3.0));
    stage.cameras.extend([tripod, camera("waiting", None)]);
    let feeds = start(&stage);
    let options = SimOptions {
        focal_length_mm: 27.5,
        ..SimOptions::new(
            SimProtocol::Osc { address: "/tracker/a".into() },
            feeds.local_addr("a").unwrap(),
            rate("240"),
        )
    };
    let tracker = SimulatedTracker::start(options, Arc::new(MonotonicClock)).unwrap();
    until("packets", || packets(&feeds, "a") > 5);
    let newest = feeds.view("a").unwrap().newest().unwrap();
    let state = feeds.sample("cam-a", newest.capture);
    let input = state.input.unwrap();
    let expected = newest.pose.then(&stage.cameras[0].mount);
    assert!((input.pose.position_m - expected.position_m).norm() < 1e-9);
    assert!(input.pose.orientation.angle_to(&expected.orientation) < 1e-9);
    assert_eq!(input.focal_length_mm, 27.5);
    assert!(input.focus_distance_m.is_some());
    drop(tracker);
    let tripod = feeds.sample("tripod", StageTime(0));
    assert_eq!(
        tripod.input.map(|i| (i.pose, i.quality, i.focal_length_mm)),
        Some((pose(3.0), Quality::Measured, 50.0))
    );
    assert_eq!((tripod.capture, tripod.received), (None, None));
    assert_eq!(feeds.sample("waiting", StageTime(0)).input, None);
}

#[test]
fn a_moving_tracker_is_followed_in_every_protocol() {
    for (protocol, sim) in [
        (freed("127.0.0.1:0", Some(3)), SimProtocol::Freed { camera_id: 3 }),
        (opentrackio("127.0.0.1:0", None), SimProtocol::opentrackio(Encoding::Json, 1)),
        (
            opentrackio("127.0.0.1:0", None),
            SimProtocol::OpenTrackIo { encoding: Encoding::Cbor, source_number: 1, segment_bytes: 150 },
        ),
        (osc("127.0.0.1:0", "/t"), SimProtocol::Osc { address: "/t".into() }),
    ] {
        let feeds = start(&stage(vec![feed("a", protocol)]));
        let options = SimOptions::new(sim, feeds.local_addr("a").unwrap(), rate("240"));
        let tracker = SimulatedTracker::start(options, Arc::new(MonotonicClock)).unwrap();
        until("samples", || feeds.view("a").unwrap().timeline.with(Timeline::len) > 100);
        let newest = feeds.view("a").unwrap().newest().unwrap().capture;
        for back in [10_000_000, 50_000_000, 120_000_000] {
            let at = newest.plus_nanos(-back);
            let input = feeds.sample("cam-a", at).input.unwrap();
            let truth = path::pose(at.secs_since(tracker.started()));
            // The camera moves 0.6 m/s at most; a free-d pose is as late as its packet, which on a busy machine
            // is milliseconds.
            assert!((input.pose.position_m - truth.position_m).norm() < 0.05, "{back}");
            assert_eq!(input.quality, Quality::Measured);
        }
        let report = feeds.view("a").unwrap().report();
        assert_eq!((report.bad, report.lost), (0, 0));
    }
}

#[test]
fn two_feeds_share_a_port_and_each_takes_its_own() {
    let addr = "127.0.0.1:0";
    let feeds = start(&stage(vec![feed("a", freed(addr, Some(1))), feed("b", freed(addr, Some(2)))]));
    assert_eq!(feeds.local_addr("a"), feeds.local_addr("b"));
    until("the one thread", || threads().contains(&"feed a+1".to_string()));
    let socket = sender(&feeds, "a");
    for _ in 0..10 {
        socket.send(&message(1, 1.0)).unwrap();
        socket.send(&message(2, 2.0)).unwrap();
    }
    until("both", || packets(&feeds, "a") == 10 && packets(&feeds, "b") == 10);
    let x = |camera| feeds.sample(camera, MonotonicClock.now()).input.unwrap().pose.position_m.x;
    assert!((x("cam-a") - 1.0).abs() < 1e-3 && (x("cam-b") - 2.0).abs() < 1e-3);
    assert_eq!(feeds.view("a").unwrap().ignored(), 10);
    assert_eq!(feeds.feeds().iter().map(|(id, r)| (id.as_str(), r.bad)).collect::<Vec<_>>(), [("a", 0), ("b", 0)]);
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_half_started() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken_addr = taken.local_addr().unwrap().to_string();
    let free = free_port();
    let stage = stage(vec![feed("half-a", freed(&free.to_string(), None)), feed("half-b", freed(&taken_addr, None))]);
    let error = refused(&stage);
    assert!(
        matches!(&error, LinkError::PortInUse { feed, addr } if feed == "half-b" && addr.to_string() == taken_addr)
    );
    assert!(error.to_string().contains(&taken_addr) && error.to_string().contains("half-b"), "{error}");
    assert!(!threads().iter().any(|name| name.starts_with("feed half")));
    let again = UdpSocket::bind(free).expect("the first feed's port is free again");
    drop((taken, again));
    let feeds = start(&stage);
    drop(feeds);
    let feeds = start(&stage);
    assert_eq!(feeds.local_addr("half-a"), Some(free), "a stopped feed frees its port");
}

#[test]
fn what_cannot_be_listened_on_is_said_with_the_fix() {
    let elsewhere = refused(&stage(vec![feed("a", freed("192.0.2.77:40000", None))]));
    assert!(matches!(elsewhere, LinkError::NoSuchAddress { .. }), "{elsewhere}");
    let serial = Protocol::Freed { transport: Transport::Serial("/dev/ttyUSB7".into()), camera_id: None };
    let serial = refused(&stage(vec![feed("a", serial)]));
    assert!(serial.to_string().contains("/dev/ttyUSB7"), "{serial}");
    let interface = Some(Ipv4Addr::new(192, 0, 2, 77));
    let group = refused(&stage(vec![feed("a", opentrackio("239.135.1.77:0", interface))]));
    assert!(matches!(&group, LinkError::Multicast { feed, .. } if feed == "a"), "{group}");
    assert!(group.to_string().contains("interface"));
}

#[test]
fn multicast_comes_in_on_the_chosen_interface() {
    let group = "239.135.1.42:0";
    let feeds = start(&stage(vec![feed("a", opentrackio(group, Some(Ipv4Addr::LOCALHOST)))]));
    let options = SimOptions {
        interface: Some(Ipv4Addr::LOCALHOST),
        ..SimOptions::new(SimProtocol::opentrackio(Encoding::Cbor, 42), feeds.local_addr("a").unwrap(), rate("240"))
    };
    let _tracker = SimulatedTracker::start(options, Arc::new(MonotonicClock)).unwrap();
    until("multicast", || packets(&feeds, "a") > 10);
    // A second program may listen to the same group.
    let addr = feeds.local_addr("a").unwrap().to_string();
    let second = start(&stage(vec![feed("b", opentrackio(&addr, Some(Ipv4Addr::LOCALHOST)))]));
    until("the second listener", || packets(&second, "b") > 10);
}

#[test]
fn garbage_is_counted_and_touches_nobody_else() {
    // Equal addresses share a port; these two do not.
    let feeds = start(&stage(vec![feed("a", freed("127.0.0.1:0", Some(1))), feed("b", freed("127.0.0.2:0", Some(2)))]));
    let (good, flood) = (sender(&feeds, "a"), sender(&feeds, "b"));
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let flooder = std::thread::spawn(move || {
        let garbage = [[0xD1; 29], [0; 29], [0xFF; 29]];
        let mut sent = 0_usize;
        while !stopped.load(Ordering::SeqCst) {
            let _ = flood.send(&garbage[sent % 3][..sent % 30]);
            sent += 1;
        }
        sent
    });
    until("garbage", || feeds.view("b").unwrap().report().bad > 2000);
    for n in 0..500 {
        good.send(&message(1, f64::from(n) * 1e-3)).unwrap();
        until("the packet of camera a", || packets(&feeds, "a") == n as u64 + 1);
    }
    stop.store(true, Ordering::SeqCst);
    assert!(flooder.join().unwrap() > 2000);
    let (a, b) = (feeds.view("a").unwrap().report(), feeds.view("b").unwrap().report());
    assert_eq!((a.packets, a.bad, a.lost), (500, 0, 0));
    assert_eq!(b.packets, 0);
    assert_eq!(feeds.sample("cam-b", MonotonicClock.now()).input, None);
}

#[test]
fn a_silent_feed_is_predicted_then_held_then_lost_and_comes_back() {
    let clock = Arc::new(FakeClock::at(StageTime(10_000_000_000)));
    let feeds = StageFeeds::start(&stage(vec![feed("a", freed("127.0.0.1:0", None))]), clock.clone()).unwrap();
    let socket = sender(&feeds, "a");
    let quality = |at: StageTime| feeds.sample("cam-a", at).input.unwrap().quality;
    let mut sent = 0;
    let mut send_for = |frames: i64| {
        for _ in 0..frames {
            clock.advance(10_000_000);
            socket.send(&message(1, 0.0)).unwrap();
            sent += 1;
            until("the packet", || packets(&feeds, "a") == sent);
        }
    };
    send_for(20);
    let last = feeds.sample("cam-a", clock.now()).received.unwrap();
    assert_eq!(last, clock.now(), "stamps are brought onto whatever clock the stage runs on");
    assert_eq!(quality(last), Quality::Measured);
    let ms = |n: i64| last.plus_nanos(n * 1_000_000);
    assert_eq!([1, 250, 251, 2000, 2001].map(|n| quality(ms(n))), {
        use Quality::{Held, Lost, Predicted};
        [Predicted, Predicted, Held, Held, Lost]
    });
    clock.advance(5_000_000_000);
    send_for(100);
    assert_eq!(quality(clock.now()), Quality::Measured);
}

#[test]
fn a_faulty_tracker_is_still_followed() {
    let feeds = start(&stage(vec![feed("a", opentrackio("127.0.0.1:0", None))]));
    let faults = Faults { loss: 0.05, jitter_nanos: 3_000_000, reorder: 0.02, garbage: 0.05, ..Faults::default() };
    let options = SimOptions {
        faults,
        ..SimOptions::new(SimProtocol::opentrackio(Encoding::Json, 1), feeds.local_addr("a").unwrap(), rate("500"))
    };
    let tracker = SimulatedTracker::start(options, Arc::new(MonotonicClock)).unwrap();
    let report = || feeds.view("a").unwrap().report();
    until("faults", || report().packets > 600 && report().bad > 5 && report().lost > 5);
    let newest = feeds.view("a").unwrap().newest().unwrap().capture;
    for back_ms in [20, 60, 100, 200] {
        let at = newest.plus_nanos(-back_ms * 1_000_000);
        let input = feeds.sample("cam-a", at).input.unwrap();
        let truth = path::pose(at.secs_since(tracker.started()));
        assert!((input.pose.position_m - truth.position_m).norm() < 0.02, "{back_ms} ms back");
    }
    assert!(report().jitter_p99_ns > 0);
}

#[test]
fn dropping_the_feeds_ends_their_threads() {
    let feeds = start(&stage(vec![feed("ending", freed("127.0.0.1:0", None))]));
    until("the thread", || threads().contains(&"feed ending".to_string()));
    drop(feeds);
    // The kernel takes a moment to strike a thread that has ended off the list.
    until("the end", || !threads().contains(&"feed ending".to_string()));
}
