//! Registration of a moving camera, step by step: prints the table of `docs/validation/*-registration.md` and draws
//! `docs/images/registration.svg`. Run it from the repository's root.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_range_loop,
    dead_code,
    reason = "a program that draws one picture"
)]

#[path = "../tests/registration/bound.rs"]
mod bound;
#[path = "../tests/registration/chain.rs"]
mod chain;
#[path = "../tests/registration/measure.rs"]
mod measure;
#[path = "../tests/registration/noise.rs"]
mod noise;
#[path = "../tests/registration/oracle.rs"]
mod oracle;
#[path = "../tests/registration/truth.rs"]
mod truth;

use chain::{Filter, Newest, TRACKER, Tracker, run, stage};
use cyc_core::Pose;
use cyc_core::profile::FilterProfile;
use measure::{FrameErrors, errors, summary};
use plotters::prelude::*;
use truth::{Crane, Dolly, HandHeld, NodalPan, Truth};

const NAMES: [&str; 5] =
    ["everything off", "+ prediction to the exposure", "+ late latch", "+ late warp", "+ exposure-true"];
const SECS: f64 = 30.0;

fn measure_it(truth: &dyn Truth, latency_frames: u32, tracker: Tracker, acceleration_m_s2: f64) -> Vec<FrameErrors> {
    let stage = stage(latency_frames, [0.0; 3]);
    let samples = tracker.samples(truth, &Pose::identity(), 0.0, SECS);
    let mut on = Filter::new(FilterProfile { acceleration_m_s2, ..FilterProfile::default() });
    errors(truth, &run(&stage, &samples, SECS, &mut Newest::default(), &mut on))
}

fn row(name: &str, errors: &[FrameErrors], background: usize, counts: impl Fn(f64) -> bool) {
    let p99 = summary(errors, background, &counts).map(|summary| format!("{:.2}", summary.p99));
    println!("| {name} | {} |", p99.join(" | "));
}

fn main() {
    let hand = HandHeld::new(5, 0.004, [1.0, 8.0], SECS);
    let dolly = Dolly::at(1.0);
    let drop_out = Tracker { drop_out: Some([0.06, 2.0]), ..TRACKER };
    println!("| motion, background, processor frames | off | prediction | late latch | late warp | exposure-true |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for latency in [2, 1, 0] {
        let by_hand = measure_it(&hand, latency, TRACKER, 1.0);
        row(&format!("hand 4 mm 1-8 Hz, infinity, {latency}"), &by_hand, 0, |_| true);
        let rolling = measure_it(&dolly, latency, TRACKER, 1.0);
        if latency == 2 {
            picture(&rolling);
        }
        row(&format!("dolly 1 m/s, constant parts, infinity, {latency}"), &rolling, 0, |t| dolly.is_constant(t, 0.5));
        row(&format!("dolly 1 m/s, constant parts, 20 m, {latency}"), &rolling, 1, |t| dolly.is_constant(t, 0.5));
        row(&format!("dolly 1 m/s, starts and stops, infinity, {latency}"), &rolling, 0, |t| {
            !dolly.is_constant(t, 0.5)
        });
    }
    row("crane, infinity, 2", &measure_it(&Crane, 2, TRACKER, 1.0), 0, |_| true);
    row("dolly, constant parts, 60 ms drop-outs, 2", &measure_it(&dolly, 2, drop_out, 1.0), 0, |t| {
        dolly.is_constant(t, 0.5)
    });
    let pan = NodalPan { turn_rad_s: 30_f64.to_radians() };
    let exact = Tracker { noise_m: 0.0, noise_rad: 0.0, ..TRACKER };
    row("nodal pan 30 deg/s, no noise, infinity, 2", &measure_it(&pan, 2, exact, 1.0), 0, |_| true);
}

/// The largest error of every frame over eleven seconds, five lines.
fn picture(errors: &[FrameErrors]) {
    let root = SVGBackend::new("docs/images/registration.svg", (960, 420)).into_drawing_area();
    root.fill(&WHITE).unwrap();
    let (from, to) = (errors[0].secs, errors[0].secs + 11.0);
    let title = "Dolly, 1 m/s with starts and stops, two processor frames, background at infinity";
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(from..to, (0.1..1000.0_f64).log_scale())
        .unwrap();
    chart
        .configure_mesh()
        .x_desc("seconds")
        .y_desc("largest error at the exposure, camera pixels (of 4608)")
        .y_label_formatter(&|px| format!("{px}"))
        .light_line_style(RGBColor(235, 235, 235))
        .draw()
        .unwrap();
    let colors = [
        RGBColor(200, 40, 40),
        RGBColor(230, 140, 20),
        RGBColor(150, 120, 0),
        RGBColor(30, 120, 200),
        RGBColor(20, 140, 70),
    ];
    for step in 0..NAMES.len() {
        let most = |frame: &FrameErrors| frame.px[step][0].iter().copied().fold(0.1, f64::max);
        let line = errors.iter().filter(|frame| frame.secs <= to).map(|frame| (frame.secs, most(frame)));
        let style = colors[step].stroke_width(2);
        chart
            .draw_series(LineSeries::new(line, style))
            .unwrap()
            .label(NAMES[step])
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .draw()
        .unwrap();
    root.present().unwrap();
}
