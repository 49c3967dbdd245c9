//! Stages with feeds on loopback, and waiting without sleeping for a fixed time.

use cyc_core::profile::{FreedProfile, OpenTrackIoProfile, OscProfile, Profile};
use cyc_core::{LensSample, LossPolicy, Pose, Rate};
use cyc_link::StageFeeds;
use cyc_stage::stage::{
    Budget, Camera, Exposure, Feed, Genlock, Inner, Latency, Pacer, Protocol, Stage, TimecodePlan, Transport,
};
use cyc_wire::freed::FreedRepr;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

pub fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

pub fn feed(id: &str, protocol: Protocol) -> Feed {
    let profile = match &protocol {
        Protocol::Freed { .. } => Profile::Freed(FreedProfile::default()),
        Protocol::OpenTrackIo { .. } => Profile::OpenTrackIo(OpenTrackIoProfile::default()),
        Protocol::Osc { .. } => Profile::Osc(OscProfile::Stage),
    };
    Feed { id: id.into(), protocol, profile, filter: Default::default(), delay_nanos: 0, loss: LossPolicy::default() }
}

pub fn freed(addr: &str, camera_id: Option<u8>) -> Protocol {
    Protocol::Freed { transport: Transport::Udp(addr.parse().unwrap()), camera_id }
}

pub fn opentrackio(addr: &str, interface: Option<Ipv4Addr>) -> Protocol {
    Protocol::OpenTrackIo { udp: addr.parse().unwrap(), interface, source_number: None }
}

pub fn osc(addr: &str, address: &str) -> Protocol {
    Protocol::Osc { udp: addr.parse().unwrap(), address: address.into() }
}

/// A stage with these feeds and a camera "cam-<feed>" on each.
pub fn stage(feeds: Vec<Feed>) -> Stage {
    let cameras = feeds.iter().enumerate().map(|(i, feed)| camera(&format!("cam-{}", feed.id), Some(i))).collect();
    Stage {
        name: "test".into(),
        frame_rate: rate("24"),
        eye_point_m: [0.0, 0.0, 1.6].into(),
        genlock: Genlock::default(),
        timecode: TimecodePlan::default(),
        pacer: Pacer::default(),
        budget: Budget::default(),
        control: None,
        latency: Latency { late_latch: true, late_warp: true, exposure_true: false },
        walls: Vec::new(),
        feeds,
        cameras,
        outputs: Vec::new(),
    }
}

pub fn camera(id: &str, feed: Option<usize>) -> Camera {
    Camera {
        id: id.into(),
        feed,
        sensor_mm: [36.0, 20.25],
        mount: Pose::identity(),
        fixed_pose: None,
        focal_length_mm: 50.0,
        inner: Inner { size_px: [960, 540], overscan: 1.2, soft_edge: 0.05 },
        exposure: Exposure { rate: rate("24"), shutter: None },
    }
}

pub fn pose(x: f64) -> Pose {
    Pose::checked([x, -2.0, 1.6], [1.0, 0.0, 0.0, 0.0]).unwrap()
}

/// A free-d message of a camera at x.
pub fn message(camera_id: u8, x: f64) -> [u8; 29] {
    FreedRepr::from_camera_state(camera_id, &pose(x), &LensSample::default(), &FreedProfile::default()).emit()
}

pub fn sender(feeds: &StageFeeds, feed: &str) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(feeds.local_addr(feed).unwrap()).unwrap();
    socket
}

/// A port that was free a moment ago.
pub fn free_port() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits for `done`; fails the test if it never comes.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "{what}: never");
        std::thread::yield_now();
    }
}
