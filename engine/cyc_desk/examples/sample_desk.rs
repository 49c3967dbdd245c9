//! A desk over an invented stage, to look at the page: `cargo run -p cyc_desk --example sample_desk [ADDR]`.
//!
//! One wall stops after twenty seconds, so that a stale picture can be seen too.

use cyc_core::report::{CameraReport, FeedReport, StageDurations};
use cyc_core::{Clock, FrameReport, Quality, StageTime};
use cyc_desk::{DEFAULT_ADDR, Desk, DeskSource, WallPicture};
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Running(Instant);

impl Clock for Running {
    fn now(&self) -> StageTime {
        StageTime(self.0.elapsed().as_nanos() as i64)
    }
    fn sleep_until(&self, instant: StageTime) {
        let nanos = instant.nanos_since(self.now()).max(0);
        std::thread::sleep(Duration::from_nanos(nanos as u64));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).map_or(Ok(DEFAULT_ADDR), |text| text.parse())?;
    let clock = Arc::new(Running(Instant::now()));
    let walls = [("back", 1280, 512), ("left", 640, 512), ("right", 640, 512)];
    let stage = serde_json::json!({
        "name": "sample", "frame_rate": "24",
        "walls": walls.iter().map(|(id, w, h)| serde_json::json!({ "id": id, "size_px": [w, h] })).collect::<Vec<_>>(),
    });
    let source = DeskSource::new(stage, walls.iter().map(|w| w.0.to_string()).collect(), clock.clone());
    let desk = Desk::start(addr, source.clone())?;
    println!("{}", desk.url());
    for frame in 0_u64.. {
        clock.sleep_until(StageTime(frame as i64 * 41_666_667));
        source.publish(report(frame, clock.now()));
        while let Some(request) = source.wall_request() {
            if let Some(&(id, width, height)) = walls.iter().find(|w| w.0 == request.wall) {
                let shown = if id == "right" { frame.min(480) } else { frame };
                let _ = request.reply.send(picture(shown, width, height));
            }
        }
    }
    Ok(())
}

fn report(frame: u64, now: StageTime) -> FrameReport {
    let phase = frame as f64 / 100.0;
    let camera = |shift: f64, quality| CameraReport {
        position_m: Some([phase.sin() + shift, -3.0 + 0.2 * phase.cos(), 1.6]),
        orientation_wxyz: Some([1.0, 0.0, 0.0, 0.0]),
        focal_length_mm: Some(35.0),
        quality,
        capture_ns: Some(now.plus_nanos(-21_000_000)),
        received_ns: Some(now.plus_nanos(-20_300_000)),
        latched_ns: Some(now.plus_nanos(-18_000_000)),
        late_latched_ns: None,
        warped_ns: Some(now.plus_nanos(-6_000_000 - (frame % 7) as i64 * 100_000)),
        pose_for_ns: Some(now.plus_nanos(8_000_000)),
        pose_age_ns: Some(29_000_000 + (frame % 11) as i64 * 90_000),
    };
    let quality = if frame % 480 < 400 { Quality::Measured } else { Quality::Held };
    let feed = |bad| FeedReport { packets: frame * 10, bad, lost: frame / 90, jitter_p99_ns: 420_000 };
    FrameReport {
        frame,
        timecode: format!("01:{:02}:{:02}:{:02}", frame / 1440 % 60, frame / 24 % 60, frame % 24),
        presented_ns: now,
        margin_ns: 9_000_000 - (frame % 13) as i64 * 120_000,
        cameras: [("cam-a".into(), camera(0.0, Quality::Measured)), ("cam-b".into(), camera(1.5, quality))].into(),
        feeds: [("trk-a".into(), feed(0)), ("trk-b".into(), feed(frame / 400))].into(),
        stages_ns: StageDurations {
            latch: 60_000,
            simulate: 410_000,
            solve: 35_000,
            render: 17_200_000 + (frame % 9) as i64 * 150_000,
            compose: 8_300_000,
            present: 240_000,
        },
        ..FrameReport::default()
    }
}

/// A dusk sky over hills, with a bar that moves one pixel column block a frame.
fn picture(frame: u64, width: u32, height: u32) -> WallPicture {
    let mut rgb8 = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        let v = f64::from(y) / f64::from(height);
        for x in 0..width {
            let u = f64::from(x) / f64::from(height);
            let hill = 0.72 + 0.06 * (u * 3.1).sin() + 0.03 * (u * 7.7 + 1.0).sin();
            let sky = [40.0 + 190.0 * v * v, 58.0 + 92.0 * v, 110.0 + 20.0 * (1.0 - v)];
            let ground = [24.0, 30.0, 28.0].map(|c| c * (1.6 - v));
            let bar = u64::from(x / 4) == frame * 2 % u64::from(width / 4);
            let light = if v < hill { sky } else { ground };
            rgb8.extend(light.map(|c: f64| if bar { (c + 60.0).min(255.0) as u8 } else { c as u8 }));
        }
    }
    WallPicture { frame, width, height, rgb8 }
}
