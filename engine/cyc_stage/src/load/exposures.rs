//! What the exposure planner finds, at its place in the file.

use super::Entry;
use crate::exposure::{Finding, Kind, plan_camera};
use crate::problem::Problem;
use crate::stage::{Camera, Led, Wall};
use crate::tree::Sheet;
use cyc_core::Rate;

/// Warns of exposures that do not fit the wall's frames or its LEDs.
pub(super) fn check(sheet: &Sheet<'_>, rate: Option<Rate>, cameras: &[Entry<Camera>], walls: &[Entry<Wall>]) {
    let Some(rate) = rate else { return };
    let led = |wall: &Entry<Wall>| wall.value.as_ref().and_then(|wall| wall.led);
    let leds: Vec<(&str, Led)> = walls.iter().filter_map(|wall| Some((wall.id.as_deref()?, led(wall)?))).collect();
    for entry in cameras {
        let Some(camera) = &entry.value else { continue };
        for finding in plan_camera(&camera.id, &camera.exposure, rate, &leds).findings {
            report(sheet, entry, walls, finding);
        }
    }
}

fn report(sheet: &Sheet<'_>, camera: &Entry<Camera>, walls: &[Entry<Wall>], finding: Finding) {
    let Some(code) = finding.kind.code() else { return };
    let keys: &[&str] = match finding.kind {
        Kind::Phase => &["phase_deg", "shutter"],
        Kind::Beating | Kind::OffSpeed => &["rate"],
        Kind::Torn | Kind::Bands => &["angle_deg", "shutter"],
    };
    let problem = Problem::new(code, camera.place(keys), finding.message);
    let problem = finding.help.into_iter().fold(problem, Problem::help);
    let seen = walls.iter().find(|wall| wall.id.as_ref().is_some_and(|id| finding.walls.contains(id)));
    sheet.report(match seen {
        Some(wall) => problem.also(wall.place(&["led"]), "these LEDs"),
        None => problem,
    });
}
