//! The stage as JSON for people and scripts: ids, sizes and places, without the triangles.

mod beat;

use crate::exposure;
use crate::stage::{Camera, Feed, Monitor, Output, Protocol, Region, Stage, Transport, Wall};
use cyc_core::profile::Profile;
use nalgebra::Point3;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        stage_view(self).serialize(serializer)
    }
}

/// The stage, resolved, as a JSON object. Lengths in metres, stage space.
pub fn stage_view(stage: &Stage) -> Value {
    let latency = stage.latency;
    json!({
        "name": stage.name,
        "frame_rate": stage.frame_rate,
        "eye_point_m": point(&stage.eye_point_m),
        "genlock": beat::genlock(&stage.genlock),
        "timecode": beat::timecode(&stage.timecode),
        "pacer": beat::pacer(&stage.pacer),
        "budget": beat::budget(&stage.budget),
        "control": { "osc": stage.control },
        "latency": {
            "late_latch": latency.late_latch,
            "late_warp": latency.late_warp,
            "exposure_true": latency.exposure_true,
        },
        "walls": stage.walls.iter().map(wall).collect::<Vec<_>>(),
        "feeds": stage.feeds.iter().map(feed).collect::<Vec<_>>(),
        "cameras": stage.cameras.iter().zip(exposure::plan(stage)).map(|(c, plan)| camera(c, &plan, stage)).collect::<Vec<_>>(),
        "outputs": stage.outputs.iter().map(|o| output(o, stage)).collect::<Vec<_>>(),
    })
}

fn ms(nanos: i64) -> f64 {
    nanos as f64 * 1e-6
}

fn point(point: &Point3<f64>) -> [f64; 3] {
    point.coords.into()
}

fn wall(wall: &Wall) -> Value {
    let [width, height] = wall.size_px.map(f64::from);
    let corner = |x, y| wall.point_of_px([x, y]).map(|p| point(&p));
    let bounds = wall.bounds_m();
    json!({
        "id": wall.id,
        "size_px": wall.size_px,
        "panel": {
            "width_px": wall.panel.width_px,
            "height_px": wall.panel.height_px,
            "pitch_mm": wall.panel.pitch_mm,
        },
        "position_m": <[f64; 3]>::from(wall.stage_from_wall.translation.vector),
        "corners_m": {
            "top_left": corner(0.0, 0.0),
            "top_right": corner(width, 0.0),
            "bottom_right": corner(width, height),
            "bottom_left": corner(0.0, height),
        },
        "bounds_m": bounds.map(|[low, high]| json!({ "min": point(&low), "max": point(&high) })),
        "area_m2": wall.area_m2(),
        "led": wall.led.map(|led| json!({ "refresh_hz": led.refresh_hz, "scan": led.scan })),
    })
}

fn feed(feed: &Feed) -> Value {
    let protocol = match &feed.protocol {
        Protocol::Freed { transport: Transport::Udp(udp), camera_id } => {
            json!({ "freed": { "udp": udp, "camera_id": camera_id } })
        }
        Protocol::Freed { transport: Transport::Serial(path), camera_id } => {
            json!({ "freed": { "serial": path, "camera_id": camera_id } })
        }
        Protocol::OpenTrackIo { udp, interface, source_number } => {
            json!({ "opentrackio": { "udp": udp, "interface": interface, "source_number": source_number } })
        }
        Protocol::Osc { udp, address } => json!({ "osc": { "udp": udp, "address": address } }),
    };
    let profile = match feed.profile {
        Profile::Freed(profile) => json!(profile),
        Profile::OpenTrackIo(profile) => json!(profile),
        Profile::Osc(profile) => json!(profile),
    };
    let filter = feed.filter;
    json!({
        "id": feed.id,
        "protocol": protocol,
        "profile": profile,
        "filter": {
            "position_noise_mm": filter.position_noise_m * 1e3,
            "rotation_noise_deg": filter.rotation_noise_rad.to_degrees(),
            "acceleration_m_s2": filter.acceleration_m_s2,
            "turn_acceleration_deg_s2": filter.turn_acceleration_rad_s2.to_degrees(),
        },
        "delay_ms": ms(feed.delay_nanos),
        "loss": { "predict_ms": ms(feed.loss.predict_nanos), "hold_ms": ms(feed.loss.hold_nanos) },
    })
}

fn camera(camera: &Camera, plan: &exposure::CameraPlan, stage: &Stage) -> Value {
    let inner = camera.inner;
    json!({
        "id": camera.id,
        "feed": camera.feed.and_then(|n| stage.feeds.get(n)).map(|feed| &feed.id),
        "sensor_mm": camera.sensor_mm,
        "mount": camera.mount,
        "pose": camera.fixed_pose,
        "focal_length_mm": camera.focal_length_mm,
        "inner": { "size_px": inner.size_px, "overscan": inner.overscan, "soft_edge": inner.soft_edge },
        "rate": camera.exposure.rate,
        "shutter": camera.exposure.shutter.map(|shutter| json!({
            "angle_deg": shutter.angle_deg,
            "phase_deg": shutter.phase_deg,
            "readout_ms": shutter.readout_ms,
            "lines": if shutter.lines_down { "down" } else { "up" },
        })),
        "exposure": { "relation": plan.relation, "shutter": plan.shutter, "findings": plan.findings },
    })
}

fn output(output: &Output, stage: &Stage) -> Value {
    json!({
        "id": output.id,
        "node": output.node,
        "size_px": output.size_px,
        "regions": output.regions.iter().map(|r| region(r, stage)).collect::<Vec<_>>(),
        "signal": output.signal,
        "latency_frames": output.latency_frames,
        "monitor": output.window.monitor.as_ref().map(|monitor| match monitor {
            Monitor::Name(name) => json!(name),
            Monitor::Index(index) => json!(index),
        }),
        "position_px": output.window.position_px,
    })
}

fn region(region: &Region, stage: &Stage) -> Value {
    let rect = region.wall_px;
    json!({
        "wall": stage.walls.get(region.wall).map(|wall| &wall.id),
        "wall_px": { "x": rect.x, "y": rect.y, "width": rect.width, "height": rect.height },
        "at_px": region.at_px,
    })
}
