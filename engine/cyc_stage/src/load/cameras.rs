//! `[[camera]]`.

use super::{Entry, Places, entry_id, pose, rate};
use crate::exposure::tidy;
use crate::problem::{Code, Problem};
use crate::stage::{Camera, Exposure, Feed, Inner, Shutter};
use crate::tree::{Field, Table, above_to, from_to};
use cyc_core::profile::Profile;
use cyc_core::{Pose, Rate};

/// Largest side of an inner picture, pixels.
const MAX_INNER_PX: u32 = 16_384;

pub(super) fn camera(table: &Table<'_>, feeds: &[Entry<Feed>], stage_rate: Option<Rate>) -> Entry<Camera> {
    let (id, span) = entry_id(table, "camera");
    let feed = table.get("feed").map(|f| Entry::find(feeds, &f, Code::UnknownFeed, "feed", "uses"));
    let sensor_mm = table.need("sensor", "sensor = { width_mm = 36.0, height_mm = 20.25 }").and_then(|f| sensor(&f));
    let mount = table.get("mount").map_or(Some(Pose::identity()), |f| f.table().map(|table| pose(&table)));
    let placed = table.has("position_m") || table.has("rotation_deg");
    let fixed_pose = Some(pose(table)).filter(|_| placed);
    check_fixed(table, placed);
    refuse_lens(table);
    let focal_length_mm = table.get("focal_length_mm").map(|f| f.number(above_to(0.0, 10_000.0, "mm")));
    let inner = table.need("inner", "inner = { width_px = 1920, height_px = 1080, overscan = 1.25 }");
    let inner = inner.and_then(|f| self::inner(&f));
    let (rate_field, shutter_field) = (table.get("rate"), table.get("shutter"));
    let own_rate = rate_field.as_ref().map_or(stage_rate, rate);
    let mut places: Places = rate_field.iter().map(|field| ("rate", field.span())).collect();
    let shutter = shutter_field.map_or(Some(None), |f| shutter(&f, own_rate, &mut places).map(Some));
    if focal_length_mm.is_none() {
        warn_focal_length(table, feed.flatten().and_then(|n| feeds.get(n)), placed);
    }
    let whole = || {
        let feed = match feed {
            Some(found) => Some(found?),
            None => None,
        };
        Some(Camera {
            id: id.clone()?,
            feed,
            sensor_mm: sensor_mm?,
            mount: mount?,
            fixed_pose,
            focal_length_mm: focal_length_mm.unwrap_or(Some(35.0))?,
            inner: inner?,
            exposure: Exposure { rate: own_rate?, shutter: shutter? },
        })
    };
    let value = whole();
    Entry { id, span, places, value }
}

fn check_fixed(table: &Table<'_>, placed: bool) {
    let Some(feed) = table.get("feed").filter(|_| placed) else { return };
    let message = format!("{} has a feed and a fixed pose", table.subject());
    let problem = feed.problem(Code::Either, message).label("says where the camera is");
    let at = ["position_m", "rotation_deg"].into_iter().find_map(|key| table.get(key));
    let problem = match at {
        Some(at) => problem.also(at.span(), "says it too"),
        None => problem,
    };
    table.sheet().report(
        problem.help("remove one; what lies between tracker and sensor is mount = { position_m, rotation_deg }"),
    );
}

fn refuse_lens(table: &Table<'_>) {
    let Some(lens) = table.get("lens") else { return };
    let message = format!("{} names a lens file, which is not supported yet", table.subject());
    let problem = lens.problem(Code::LensFile, message).label("lens files come later");
    lens.report(problem.help("remove it and give focal_length_mm, or let the feed send the focal length"));
}

/// Warns where neither file nor feed says the focal length. A camera that waits for input gets it with its pose.
fn warn_focal_length(table: &Table<'_>, feed: Option<&Entry<Feed>>, placed: bool) {
    let silent = match feed {
        Some(feed) => feed.value.as_ref().is_some_and(|feed| match feed.profile {
            Profile::Freed(profile) => profile.zoom.is_none(),
            Profile::OpenTrackIo(_) | Profile::Osc(_) => false,
        }),
        None => placed,
    };
    if silent {
        let message = format!("nothing says the focal length of {}, so it is 35 mm", table.subject());
        table.sheet().report(
            Problem::new(Code::NoFocalLength, table.span(), message).help(
                "write focal_length_mm = 35.0, or give a FreeD feed a profile with zoom = [[raw, mm], [raw, mm]]",
            ),
        );
    }
}

fn sensor(field: &Field<'_>) -> Option<[f64; 2]> {
    let table = field.table()?;
    let side = |key, write| table.need(key, write).and_then(|f| f.number(above_to(0.0, 1000.0, "mm")));
    let (width, height) = (side("width_mm", "width_mm = 36.0"), side("height_mm", "height_mm = 20.25"));
    Some([width?, height?])
}

fn inner(field: &Field<'_>) -> Option<Inner> {
    let table = field.table()?;
    let side = |key, write| table.need(key, write).and_then(|f| f.count(1, MAX_INNER_PX, "px"));
    let (width, height) = (side("width_px", "width_px = 1920"), side("height_px", "height_px = 1080"));
    let overscan = table.need("overscan", "overscan = 1.25").and_then(|f| f.number(from_to(1.0, 10.0, "")));
    let soft = table.get("soft_edge").map(|f| Some((f.number(from_to(0.0, 0.95, ""))?, f)));
    let (size_px, overscan) = ([width?, height?], overscan?);
    // The usual edge, or as much of it as the overscan leaves room for.
    let most = 1.0 - 1.0 / overscan;
    let soft_edge = match soft {
        None => most.min(0.05),
        Some(None) => return None,
        Some(Some((soft_edge, _))) if (1.0 - soft_edge) * overscan >= 1.0 - 1e-9 => soft_edge,
        Some(Some((soft_edge, field))) => {
            let full = (1.0 - soft_edge) * overscan;
            let message = format!("{}: the soft edge begins inside the picture", table.subject());
            let label = format!("(1 - {soft_edge}) x {overscan} is {full:.4}, but must be at least 1");
            let help = format!("write soft_edge = {:.3} or less, or more overscan", (most * 1000.0).floor() / 1000.0);
            field.report(field.problem(Code::SoftEdge, message).label(label).help(help));
            return None;
        }
    };
    Some(Inner { size_px, overscan, soft_edge })
}

/// The places of the keys that the exposure planner speaks of go to `places`.
fn shutter(field: &Field<'_>, rate: Option<Rate>, places: &mut Places) -> Option<Shutter> {
    let table = field.table()?;
    places.insert("shutter", table.span());
    let (angle, phase) = (table.get("angle_deg"), table.get("phase_deg"));
    places.extend(angle.iter().map(|angle| ("angle_deg", angle.span())));
    places.extend(phase.iter().map(|phase| ("phase_deg", phase.span())));
    let angle_deg = angle.map_or(Some(180.0), |f| angle_deg(&f, rate));
    let phase_deg = phase.map_or(Some(0.0), |f| f.number(from_to(-360.0, 360.0, "deg")));
    let readout_ms = table.get("readout_ms").map_or(Some(15.0), |f| f.number(from_to(0.0, 1000.0, "ms")));
    let lines = table.get("lines").map_or(Some(true), |f| f.choice(&[("down", true), ("up", false)]));
    Some(Shutter { angle_deg: angle_deg?, phase_deg: phase_deg?, readout_ms: readout_ms?, lines_down: lines? })
}

/// The open part of a frame: above 0 to 360 degrees.
fn angle_deg(field: &Field<'_>, rate: Option<Rate>) -> Option<f64> {
    let value = field.value();
    let given = value.as_float().or(value.as_integer().map(|n| n as f64));
    let fits = above_to(0.0, 360.0, "deg");
    let Some(angle) = given.filter(|angle| angle.is_finite() && !(*angle > 0.0 && *angle <= 360.0)) else {
        return field.number(fits);
    };
    let problem = |message: String| field.problem(Code::Shutter, message).label(fits.to_string());
    field.report(if angle <= 0.0 {
        let message = format!("{} is {angle}, so the shutter never opens", field.name());
        problem(message).help("180 is open for half of each frame, 360 for all of it")
    } else {
        let message = format!("{} is {angle}, but a frame has 360 degrees", field.name());
        let problem = problem(message).help("write angle_deg = 360.0 for a shutter that never closes");
        rate.into_iter().fold(problem, |problem, rate| too_long(problem, angle, rate))
    });
    None
}

/// What an angle above 360 degrees may have been meant to be.
fn too_long(mut problem: Problem, angle: f64, rate: Rate) -> Problem {
    let (frame_s, turns) = (f64::from(rate.den()) / f64::from(rate.num()), angle / 360.0);
    // Cameras show exposures as 1/400 s, too.
    let fraction = 360.0 / angle / frame_s;
    if fraction <= 360.0 {
        problem = problem.help(format!("an exposure of 1/{angle} s is angle_deg = {}", tidy(fraction, 3)));
    }
    if let slowest @ 1.0.. = 1.0 / frame_s / turns {
        let open_ms = turns * frame_s * 1e3;
        problem = problem.help(format!(
            "to expose for {open_ms:.1} ms run the camera at {} frames per second or slower",
            tidy(slowest, 3)
        ));
    }
    let frame_ms = frame_s * 1e3;
    problem.label(format!("longer than the frame of {frame_ms:.1} ms"))
}
