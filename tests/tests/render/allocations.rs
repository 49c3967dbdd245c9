//! Between the newest packet and the wall pass nothing is allocated: pose lookup, `relatch` and parameter packing.

use crate::harness::{self, Needs};
use bevy::math::UVec2;
use cyc_core::{Clock, LateCamera, PoseSource, StageTime, Tick};
use cyc_frame::{Latch, relatch_into, solve};
use cyc_link::{MonotonicClock, SimOptions, SimulatedTracker, StageFeeds, sim::SimProtocol};
use cyc_stage::stage::{Protocol, Transport};
use cyc_wall::uniforms::pack_cameras;
use libtest_mimic::Trial;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    path::Path,
    sync::Arc,
    time::Duration,
};

/// The system's allocator, which counts per thread.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// A counting allocator cannot be written without `unsafe`; it only hands on.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter any more.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

pub fn trials() -> Vec<Trial> {
    vec![harness::trial("allocations::none_from_packet_to_pass", Needs::Nothing, none_from_packet_to_pass)]
}

const STAGE: &str = r#"format = 1
name = "allocations"
frame_rate = "24"
[latency]
exposure_true = true
[[wall]]
id = "wall"
panel = { width_px = 32, height_px = 32, pitch_mm = 20.0 }
shape.flat = { columns = 4, rows = 2 }
[[feed]]
id = "trk"
protocol.freed = { udp = "127.0.0.1:40117", camera_id = 1 }
[[camera]]
id = "cam-a"
feed = "trk"
focal_length_mm = 35.0
sensor = { width_mm = 36.0, height_mm = 20.25 }
inner = { width_px = 640, height_px = 360, overscan = 1.25 }
shutter = { angle_deg = 180, readout_ms = 15 }
[[output]]
node = "n"
wall = "wall"
"#;

fn none_from_packet_to_pass() {
    assert!(allocations(|| drop(std::hint::black_box(vec![1_u8]))) > 0, "the counter does not count");
    let read = |_: &Path| Err(std::io::Error::other("no files"));
    let loaded = cyc_stage::parse(STAGE, Path::new("allocations.toml"), &read);
    let mut stage = loaded.unwrap_or_else(|problems| panic!("{problems}")).stage;
    let any = Transport::Udp("127.0.0.1:0".parse().unwrap());
    stage.feeds[0].protocol = Protocol::Freed { transport: any, camera_id: Some(1) };
    let clock = Arc::new(MonotonicClock);
    let feeds = StageFeeds::start(&stage, clock.clone()).unwrap();
    let options =
        SimOptions::new(SimProtocol::Freed { camera_id: 1 }, feeds.local_addr("trk").unwrap(), "240".parse().unwrap());
    let _tracker = SimulatedTracker::start(options, clock.clone()).unwrap();
    // Enough packets for whatever the filter looks at.
    while feeds.feeds()[0].1.packets < 100 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let latch = Latch::new(&stage);
    let latched = latch.latch(&stage, &feeds, &Tick::on_time(1, clock.now()), clock.now());
    let plan = solve(&stage, &latched.input);
    let (mut late, mut cameras, mut shown, mut uniforms) =
        (Vec::new(), Vec::<Option<LateCamera>>::new(), plan.clone(), Vec::new());
    let mut renew = |display_time: StageTime| {
        latch.late_into(&stage, &feeds, display_time, true, &mut late);
        cameras.clear();
        cameras.extend(late.iter().map(|pose| pose.camera(latched.cameras[0].input.as_ref())));
        relatch_into(&stage, &plan, &cameras, &mut shown);
        pack_cameras(&stage, (&shown, &plan), |_| UVec2::new(640, 360), UVec2::new(640, 360), &mut uniforms);
    };
    // Once, so that everything has its size.
    renew(clock.now());
    let count = allocations(|| (0..100).for_each(|_| renew(clock.now().plus_nanos(50_000_000))));
    assert_eq!(count, 0, "allocations in 100 frames");
    assert!(shown.cameras[0].unwrap().lines.is_some() && uniforms[0].live == 1, "nothing was renewed");
}
