//! `cyclorama calibrate`: measurements whose results go into the stage file.

use crate::{
    Failure,
    cli::{Delay, DelayFeedsArgs, DelayLightArgs},
    stage_file,
};
use anyhow::{Context, anyhow, bail};
use cyc_core::{Clock, FrameReport};
use cyc_frame::delay::{
    self, CameraTiming, LightWatch, StampAt,
    light::{output_lights, shown_frames},
};
use cyc_link::{
    MonotonicClock, StageFeeds,
    camera_return::{DevicePictures, FolderPictures, ReturnedPictures, StampOf},
    record::record,
    replace::replace,
};
use cyc_stage::{
    edit::{Edit, edited},
    stage::Stage,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// Pictures are asked of a device in about this size.
const DEVICE_PX: [u32; 2] = [1280, 720];

/// `calibrate delay`. Exit code 2 on bad input, 1 where the measurement says nothing.
pub fn delay(which: &Delay) -> Result<ExitCode, Failure> {
    match which {
        Delay::Feeds(args) => feeds(args),
        Delay::Light(args) => light(args),
    }
}

fn feeds(args: &DelayFeedsArgs) -> Result<ExitCode, Failure> {
    let Some(stage) = stage_file::load(&args.stage) else { return Ok(ExitCode::from(2)) };
    if args.reference == args.feed {
        return Err(Failure::input(anyhow!("--reference and --feed are both \"{}\": name two feeds", args.feed)));
    }
    let known = |id: &str| stage.feeds.iter().find(|feed| feed.id == id);
    let Some(own) = known(&args.feed) else { return Err(Failure::input(unknown_feed(&stage, &args.feed))) };
    known(&args.reference).ok_or_else(|| Failure::input(unknown_feed(&stage, &args.reference)))?;
    let clock: Arc<dyn Clock> = Arc::new(MonotonicClock);
    let feeds = StageFeeds::start(&stage, clock.clone()).map_err(Failure::run_time)?;
    println!("move both trackers together, in all directions, for {} s", args.seconds);
    let ids = [args.reference.as_str(), args.feed.as_str()];
    let series =
        record(&feeds, &ids, (args.seconds * 1e9) as i64, &*clock, &mut |_| true).map_err(Failure::run_time)?;
    for (id, series) in ids.iter().zip(&series) {
        println!("{id}: {} samples", series.len());
    }
    let between = delay::between(&series[0], &series[1]).map_err(Failure::run_time)?;
    println!("{}", between.text(&args.reference, &args.feed));
    let delay_nanos = own.delay_nanos + between.delay_nanos;
    println!("feed \"{}\": delay_ms = {:.3}", args.feed, delay_nanos as f64 * 1e-6);
    if args.write {
        write(&args.stage, &[Edit::FeedDelay { feed: args.feed.clone(), delay_nanos }])?;
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown_feed(stage: &Stage, id: &str) -> anyhow::Error {
    let feeds: Vec<_> = stage.feeds.iter().map(|feed| feed.id.as_str()).collect();
    anyhow!("the stage has no feed \"{id}\"; its feeds: {}", feeds.join(", "))
}

fn light(args: &DelayLightArgs) -> Result<ExitCode, Failure> {
    let Some(stage) = stage_file::load(&args.stage) else { return Ok(ExitCode::from(2)) };
    let timing = timing(&stage, args).map_err(Failure::input)?;
    let mut watch = LightWatch::new(timing).map_err(Failure::input)?;
    match (&args.pictures, &args.device) {
        (Some(folder), _) => {
            let ticks = ticks(&reports(&args.report).map_err(Failure::input)?);
            let mut pictures = FolderPictures::open(folder, &ticks).map_err(Failure::input)?;
            look(&mut pictures, &mut watch, &|| false).map_err(Failure::input)?;
        }
        (None, Some(device)) => {
            let clock: Arc<dyn Clock> = Arc::new(MonotonicClock);
            let mut pictures = DevicePictures::open(device, DEVICE_PX, clock.clone()).map_err(Failure::input)?;
            let end = clock.now().plus_nanos((args.seconds * 1e9) as i64);
            look(&mut pictures, &mut watch, &|| clock.now() >= end).map_err(Failure::run_time)?;
        }
        (None, None) => return Err(Failure::input(anyhow!("give --pictures DIR or --device PATH"))),
    }
    println!("{} pictures", watch.pictures());
    // Read once more: the run may have gone on while a device was recorded.
    let reports = reports(&args.report).map_err(Failure::input)?;
    let lights = watch.delays(&shown_frames(&reports), stage.frame_rate).map_err(Failure::run_time)?;
    let outputs = output_lights(&stage, &reports, &lights);
    if outputs.is_empty() {
        return Err(Failure::run_time(anyhow!("no output of the stage was recognised in the pictures")));
    }
    outputs.iter().for_each(|output| println!("{output}"));
    if args.write {
        let edit = |output: &cyc_frame::delay::light::OutputLight| Edit::OutputLatency {
            output: output.id.clone(),
            frames: output.latency_frames(),
        };
        write(&args.stage, &outputs.iter().map(edit).collect::<Vec<_>>())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn timing(stage: &Stage, args: &DelayLightArgs) -> anyhow::Result<CameraTiming> {
    let Some(camera) = stage.cameras.iter().find(|camera| camera.id == args.camera) else {
        let cameras: Vec<_> = stage.cameras.iter().map(|camera| camera.id.as_str()).collect();
        bail!("the stage has no camera \"{}\"; its cameras: {}", args.camera, cameras.join(", "));
    };
    CameraTiming::of(&camera.exposure, args.gamma).with_context(|| {
        format!("camera \"{}\" has no shutter: write shutter = {{ angle_deg = 180, readout_ms = 15 }}", camera.id)
    })
}

fn reports(path: &Path) -> anyhow::Result<Vec<FrameReport>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the report {}", path.display()))?;
    let mut reports = Vec::new();
    for (n, line) in text.lines().enumerate() {
        match serde_json::from_str(line) {
            Ok(report) => reports.push(report),
            // The last line of a run that goes on may be half a line.
            Err(_) if n + 1 == text.lines().count() => {}
            Err(error) => bail!("{}:{}: no frame report: {error}", path.display(), n + 1),
        }
    }
    Ok(reports)
}

fn ticks(reports: &[FrameReport]) -> BTreeMap<String, cyc_core::StageTime> {
    reports.iter().map(|report| (report.timecode.clone(), report.tick_ns)).collect()
}

fn look(from: &mut dyn ReturnedPictures, watch: &mut LightWatch, over: &dyn Fn() -> bool) -> anyhow::Result<()> {
    while let Some(picture) = from.next()? {
        let at = match picture.of {
            StampOf::Begin => StampAt::FirstLineBegins,
            StampOf::Middle => StampAt::Middle,
            StampOf::End => StampAt::LastLineEnds,
        };
        watch.push(picture.size_px, &picture.luma, picture.stamp, at)?;
        if over() {
            break;
        }
    }
    Ok(())
}

/// Changes values in a stage file and nothing else.
fn write(path: &Path, edits: &[Edit]) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(Failure::input)?;
    let read = |path: &Path| fs::read(path);
    let edited = edited(&text, path, &read, edits).map_err(Failure::input)?;
    let backup: PathBuf = replace(path, text.as_bytes(), edited.text.as_bytes()).map_err(Failure::run_time)?;
    edited.changes.iter().for_each(|change| println!("{}: {change}", path.display()));
    println!("the old file is {}", backup.display());
    Ok(())
}
