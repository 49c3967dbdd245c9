//! The planner's findings in words, with what to do about them.

use super::{
    EDGE_MS, Finding, Kind, Refreshes, Relation, ShutterPlan, Timing, VISIBLE_BAND, advice, frame_ms, per_second,
};
use crate::problem::Code;
use crate::stage::{Exposure, Led};
use cyc_core::Rate;

/// Everything worth saying about one camera, the worst first.
pub(super) fn findings(
    id: &str,
    exposure: &Exposure,
    wall_rate: Rate,
    relation: Relation,
    timing: Option<&Timing>,
    plan: Option<&ShutterPlan>,
    leds: &[(&str, Led)],
) -> Vec<Finding> {
    let camera = format!("camera {id:?}");
    let mut found = Vec::new();
    if let Some((timing, plan)) = timing.zip(plan) {
        found.extend(torn(&camera, timing, plan).or_else(|| phase(&camera, timing)));
        let banded = plan.refreshes.iter().filter(|refreshes| refreshes.band > VISIBLE_BAND);
        found.extend(banded.map(|refreshes| bands(&camera, wall_rate, plan, refreshes, leds)));
    }
    found.extend(rates(&camera, exposure.rate, wall_rate, relation, timing));
    found
}

fn finding(kind: Kind, message: String, help: Vec<String>) -> Finding {
    Finding { kind, code: kind.code().map(Code::id), message, help, walls: Vec::new() }
}

/// Pictures of one wall frame are meant, and the window is longer than it.
fn torn(camera: &str, timing: &Timing, plan: &ShutterPlan) -> Option<Finding> {
    let (room_ms, window_ms) = (timing.room_ms()?, timing.window_ms());
    if window_ms <= room_ms + EDGE_MS {
        return None;
    }
    let (which, what) = match timing.relation {
        Relation::Faster { pictures } => (format!("at least one of every {pictures} pictures"), "its own frame"),
        _ => ("every picture".into(), "the wall's frame"),
    };
    let (open_ms, readout_ms) = (timing.open_ms, timing.readout_ms);
    let message = format!(
        "{which} of {camera} holds two wall frames: {open_ms:.3} ms of exposure and {readout_ms} ms of readout are longer than {what} of {room_ms:.3} ms"
    );
    let spare_ms = room_ms - readout_ms;
    let help = if spare_ms <= EDGE_MS {
        format!(
            "no angle is short enough; choose a sensor mode that reads in less than {room_ms:.1} ms, or slower rates"
        )
    } else {
        let most = format!("exposure and readout fit up to {:.1} degrees", floor(timing.most_deg(), 1));
        match plan.good_angles_deg[0] {
            Some(angle) => {
                format!("{most}; the nearest good shutter angle is {}{}", tidy(angle, 3), with_phase(timing, angle))
            }
            None => most,
        }
    };
    Some(finding(Kind::Torn, message, vec![help]))
}

/// The phase that a shorter exposure needs too, where it does not fit with its own.
fn with_phase(timing: &Timing, angle_deg: f64) -> String {
    let shorter = timing.with_angle(angle_deg);
    let fits = shorter.slack_ms(shorter.begin_ms).is_none_or(|slack_ms| slack_ms >= -EDGE_MS);
    let best_deg = shorter.best_begin_ms().map(|begin_ms| shorter.phase_deg(begin_ms)).filter(|_| !fits);
    best_deg.map_or(String::new(), |best| format!(", with phase_deg = {}", tidy(best, 2)))
}

/// The window would fit into one wall frame and does not stand there.
fn phase(camera: &str, timing: &Timing) -> Option<Finding> {
    if matches!(timing.relation, Relation::Slower { .. } | Relation::Unrelated { .. }) {
        return None;
    }
    let slack_ms = timing.slack_ms(timing.begin_ms)?;
    if slack_ms >= -EDGE_MS {
        return None;
    }
    let (begin_ms, end_ms) = (timing.begin_ms, timing.begin_ms + timing.window_ms());
    let room_ms = timing.room_ms()?;
    let message = format!(
        "{camera} sees two wall frames in one picture, which lasts from {begin_ms:.3} to {end_ms:.3} ms after the beat, and the wall changes at {room_ms:.3} ms"
    );
    let best_ms = timing.best_begin_ms()?;
    let (best_deg, last_deg) = (timing.phase_deg(best_ms), timing.phase_deg(room_ms - timing.window_ms()).max(0.0));
    let earlier_us = advice::nearest(best_ms, timing) * 1e3;
    let (turn, much) = if earlier_us > 0.0 { ("lower", earlier_us) } else { ("raise", -earlier_us) };
    let camera_side = format!(
        "the best genlock phase of the camera is phase_deg = {}, {best_ms:.3} ms after the beat; any from 0 to {} will do",
        tidy(best_deg, 1),
        tidy(floor(last_deg, 1), 1),
    );
    let wall_side = format!(
        "or move the wall: {turn} [genlock] phase_us by {much:.0}, after which this phase_deg is {} and every other camera's changes too",
        tidy(best_deg, 1),
    );
    Some(finding(Kind::Phase, message, vec![camera_side, wall_side]))
}

fn bands(camera: &str, wall_rate: Rate, plan: &ShutterPlan, refreshes: &Refreshes, leds: &[(&str, Led)]) -> Finding {
    let Refreshes { walls, count, band } = refreshes;
    let names: Vec<String> = walls.iter().map(|wall| format!("{wall:?}")).collect();
    let whose = format!("wall{} {}", if walls.len() == 1 { "" } else { "s" }, names.join(", "));
    let (few, many) = (count.floor(), count.ceil());
    let message = format!(
        "{camera} is open for {count:.2} LED refreshes of {whose}: some lines see {few} of them and others {many}, in bands of {:.1} %",
        band * 100.0
    );
    let angles: Vec<String> = plan.good_angles_deg.iter().flatten().map(|angle| tidy(*angle, 3)).collect();
    let mut help = vec![match angles.as_slice() {
        [] => "no shutter angle sees whole refreshes; the LEDs need a higher refresh rate".into(),
        [angle] => format!("the nearest good shutter angle is {angle}"),
        angles => format!("the nearest good shutter angles are {}", angles.join(" and ")),
    }];
    let led = leds.iter().find(|(wall, _)| walls.iter().any(|name| name == wall)).map(|(_, led)| led);
    help.extend(led.and_then(|led| locked_refresh(led, wall_rate)));
    Finding { walls: walls.clone(), ..finding(Kind::Bands, message, help) }
}

/// Processors refresh a whole number of times per frame; a data sheet's figure is that of a round frame rate.
fn locked_refresh(led: &Led, wall_rate: Rate) -> Option<String> {
    let in_frame = led.refresh_hz * frame_ms(wall_rate) * 1e-3;
    let whole = in_frame.round();
    let off = (in_frame - whole).abs() / whole.max(1.0);
    let exact_hz = whole * per_second(wall_rate);
    (off > 1e-6 && off < 2e-3).then(|| {
        format!("if the processor locks {whole} refreshes to each frame, write what it does then: refresh_hz = {exact_hz:.3}")
    })
}

/// What the two rates mean for each other.
fn rates(camera: &str, rate: Rate, wall_rate: Rate, relation: Relation, timing: Option<&Timing>) -> Option<Finding> {
    let at = format!("{camera} runs at {rate} on a wall at {wall_rate}");
    match relation {
        Relation::Same => None,
        Relation::Faster { pictures } => {
            let message = format!("{at}: off-speed, {pictures} pictures of each wall frame");
            Some(finding(Kind::OffSpeed, message, Vec::new()))
        }
        Relation::Slower { wall_frames } => {
            let seen = match timing.map(Timing::wall_frames) {
                Some(1) => ", of which each picture sees 1".into(),
                Some(seen) => format!(", of which each picture sees up to {seen}"),
                None => String::new(),
            };
            let message = format!("{at}: off-speed, {wall_frames} wall frames in each of its own{seen}");
            Some(finding(Kind::OffSpeed, message, Vec::new()))
        }
        Relation::Unrelated { beat_s } => Some(beating(&at, rate, wall_rate, beat_s, timing)),
    }
}

fn beating(at: &str, rate: Rate, wall_rate: Rate, beat_s: f64, timing: Option<&Timing>) -> Finding {
    let share = timing.map(|timing| (timing.window_ms() / timing.lit_ms).min(1.0) * 100.0);
    let share = share.map_or(String::new(), |share| format!(" and is in {share:.0} of 100"));
    let message = format!(
        "{at}, which do not fit: the wall's change wanders through the pictures once every {} s{share}",
        tidy(beat_s, 3)
    );
    let (camera, wall) = (per_second(rate), per_second(wall_rate));
    let times = (camera.max(wall) / camera.min(wall)).round() as u32;
    let (own, stage) = if camera > wall {
        (scaled(wall_rate, times, 1), scaled(rate, 1, times))
    } else {
        (scaled(wall_rate, 1, times), scaled(rate, times, 1))
    };
    let own = own.map(|own| format!("set the camera to {own} and write rate = \"{own}\""));
    let stage = stage.map(|stage| format!("or run the stage at the camera's: frame_rate = \"{stage}\""));
    finding(Kind::Beating, message, own.into_iter().chain(stage).collect())
}

fn scaled(rate: Rate, times: u32, over: u32) -> Option<Rate> {
    Rate::new(rate.num().checked_mul(times)?, rate.den().checked_mul(over)?)
}

/// Rounded down to so many decimals.
fn floor(x: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (x * scale + 1e-6).floor() / scale
}

/// With so many decimals and no zeros behind them.
pub(crate) fn tidy(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
