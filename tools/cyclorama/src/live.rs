//! Where live frames go: report file, capture, desk, summary. Files are written on threads of their own.

use crate::{
    beat::WARM_UP_FRAMES,
    cli::Capture,
    pictures::{file_name, write_png},
    summary::Summary,
    sync_status::SyncSources,
    watch::Watch,
};
use anyhow::Context;
use crossbeam_channel::{Receiver, Sender, bounded};
use cyc_color::wall::WallEncode;
use cyc_core::{
    FrameReport, StageTime,
    event::{Severity, StageEvent},
};
use cyc_desk::{DeskSource, WallPicture, WallRequest};
use cyc_link::TickStop;
use cyc_stage::stage::{Output, Stage};
use cyc_wall::{
    readback::{OutputPicture, Pixels},
    sink::{FrameOutcome, FrameSink},
};
use serde::Serialize;
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

/// What the app's other parts may know about the run.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    warm_up_nanos: Vec<i64>,
    summary: Summary,
}

impl Progress {
    /// How long each warm-up frame took, nanoseconds.
    pub fn warm_up_nanos(&self) -> Vec<i64> {
        self.0.lock().map(|state| state.warm_up_nanos.clone()).unwrap_or_default()
    }

    /// The counts so far.
    pub fn summary(&self) -> Summary {
        self.0.lock().map(|state| state.summary.clone()).unwrap_or_default()
    }
}

/// The sink of a live stage.
pub struct LiveSink {
    desk: DeskSource,
    watch: Watch,
    sync: SyncSources,
    events: Option<Sender<StageEvent>>,
    reports: Option<Sender<FrameReport>>,
    pictures: Sender<PictureJob>,
    capture: Option<Capture>,
    asked: Vec<WallRequest>,
    progress: Progress,
    run_nanos: Option<i64>,
    end: Option<StageTime>,
    stop: TickStop,
    warm: u32,
}

/// The threads that write files; joined at the end so that nothing is cut off.
#[derive(Default)]
pub struct Writers(Vec<JoinHandle<()>>);

impl Writers {
    /// Waits until everything is written. The sink must be gone by then.
    pub fn finish(self) {
        for thread in self.0 {
            if thread.join().is_err() {
                eprintln!("error: a writer thread failed; its file may be incomplete");
            }
        }
    }
}

struct PictureJob {
    report: FrameReport,
    pictures: Vec<OutputPicture>,
    capture: Option<PathBuf>,
    asked: Vec<WallRequest>,
}

/// What a live sink is made of.
pub struct LiveOptions {
    /// The stage.
    pub stage: Arc<Stage>,
    /// The desk's side.
    pub desk: DeskSource,
    /// What is made of the reports.
    pub watch: Watch,
    /// What the desk shows of beat and feeds.
    pub sync: SyncSources,
    /// Event file.
    pub events: Option<PathBuf>,
    /// Report file.
    pub report: Option<PathBuf>,
    /// Captured frames.
    pub capture: Option<Capture>,
    /// Run time after the first presented frame.
    pub seconds: Option<f64>,
    /// Ends the beat.
    pub stop: TickStop,
    /// Shared counts.
    pub progress: Progress,
}

impl LiveSink {
    /// Opens files and starts the writers; fails before anything runs if a file cannot be made.
    pub fn start(options: LiveOptions) -> anyhow::Result<(Self, Writers)> {
        let mut writers = Writers::default();
        let reports = options.report.as_deref().map(|path| line_writer(path, "report", &mut writers)).transpose()?;
        let events = options.events.as_deref().map(|path| line_writer(path, "events", &mut writers)).transpose()?;
        if let Some(capture) = &options.capture {
            fs::create_dir_all(&capture.dir)
                .with_context(|| format!("cannot make the folder {}", capture.dir.display()))?;
        }
        let pictures = picture_writer(options.stage, &mut writers)?;
        let sink = Self {
            desk: options.desk,
            watch: options.watch,
            sync: options.sync,
            events,
            reports,
            pictures,
            capture: options.capture,
            asked: Vec::new(),
            progress: options.progress,
            run_nanos: options.seconds.map(|seconds| (seconds * 1e9) as i64),
            end: None,
            stop: options.stop,
            warm: 0,
        };
        Ok((sink, writers))
    }

    fn is_warm(&self) -> bool {
        self.warm >= WARM_UP_FRAMES
    }

    fn captures(&self, frame: u64) -> bool {
        self.is_warm() && self.capture.as_ref().is_some_and(|capture| frame.is_multiple_of(capture.every))
    }

    fn warm_up(&mut self, report: &FrameReport) {
        self.warm += 1;
        let took = report.presented_ns.nanos_since(report.tick_ns);
        if let Ok(mut state) = self.progress.0.lock() {
            state.warm_up_nanos.push(took);
        }
    }

    fn hand_out_pictures(&mut self, report: &FrameReport, pictures: Vec<OutputPicture>) {
        let capture = if self.captures(report.frame) { self.capture.as_ref().map(|c| c.dir.clone()) } else { None };
        let asked = std::mem::take(&mut self.asked);
        let job = PictureJob { report: report.clone(), pictures, capture, asked };
        if self.pictures.try_send(job).is_err() {
            tracing::warn!("frame {}: the disk is too slow for its pictures; they are dropped", report.frame);
        }
    }
}

impl FrameSink for LiveSink {
    fn wants_pictures(&mut self, frame: u64) -> bool {
        self.asked.extend(std::iter::from_fn(|| self.desk.wall_request()));
        !self.asked.is_empty() || self.captures(frame)
    }

    fn done(&mut self, outcome: FrameOutcome) {
        let report = outcome.report;
        if let Some(pictures) = outcome.pictures {
            self.hand_out_pictures(&report, pictures);
        }
        if !self.is_warm() {
            return self.warm_up(&report);
        }
        if let Some(nanos) = self.run_nanos {
            let end = *self.end.get_or_insert(report.presented_ns.plus_nanos(nanos));
            if report.presented_ns >= end {
                self.stop.stop();
            }
        }
        if let Ok(mut state) = self.progress.0.lock() {
            state.summary.add(&report);
        }
        if let Some(reports) = &self.reports
            && reports.try_send(report.clone()).is_err()
        {
            tracing::warn!("frame {}: the disk is too slow for its report; it is dropped", report.frame);
        }
        for event in self.watch.frame(&report) {
            match event.severity {
                Severity::Info => tracing::info!("{}", event.message),
                Severity::Warning => tracing::warn!("{}", event.message),
                Severity::Error | Severity::Critical => tracing::error!("{}", event.message),
            }
            if let Some(events) = &self.events {
                let _ = events.try_send(event.clone());
            }
            self.desk.publish_events([event]);
        }
        if let Some(sync) = self.sync.look(report.frame) {
            self.desk.publish_sync(sync);
        }
        self.desk.publish(report);
    }
}

/// A thread that writes what it is sent, a line of JSON each.
fn line_writer<T: Serialize + Send + 'static>(
    path: &Path,
    what: &'static str,
    writers: &mut Writers,
) -> anyhow::Result<Sender<T>> {
    let file = File::create(path).with_context(|| format!("cannot write the {what} {}", path.display()))?;
    let (sender, lines) = bounded::<T>(1024);
    let mut file = BufWriter::new(file);
    spawn(writers, &format!("{what} writer"), move || {
        for line in lines {
            let written = serde_json::to_writer(&mut file, &line).map_err(std::io::Error::from);
            if let Err(error) = written.and_then(|()| file.write_all(b"\n")).and_then(|()| file.flush()) {
                tracing::error!("the {what} cannot be written any more: {error}");
                return;
            }
        }
    })?;
    Ok(sender)
}

fn picture_writer(stage: Arc<Stage>, writers: &mut Writers) -> anyhow::Result<Sender<PictureJob>> {
    let (sender, jobs) = bounded::<PictureJob>(4);
    spawn(writers, "picture writer", move || write_pictures(&stage, &jobs))?;
    Ok(sender)
}

fn spawn(writers: &mut Writers, name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    writers.0.push(std::thread::Builder::new().name(name.into()).spawn(work).context("no thread")?);
    Ok(())
}

fn write_pictures(stage: &Stage, jobs: &Receiver<PictureJob>) {
    for job in jobs {
        for picture in job.capture.iter().flat_map(|dir| job.pictures.iter().map(move |picture| (dir, picture))) {
            let (dir, picture) = picture;
            let output = &stage.outputs[picture.output];
            let path = dir.join(file_name(output, job.report.frame, "png"));
            if let Err(error) = write_png(&path, picture, &output.signal) {
                tracing::error!("{error:#}");
            }
        }
        for request in job.asked {
            if let Some(picture) = wall_picture(stage, &request.wall, job.report.frame, &job.pictures) {
                drop(request.reply.send(picture));
            }
        }
    }
}

/// A wall put together from its outputs' pictures, for a person's screen. `None` for an unknown wall.
fn wall_picture(stage: &Stage, wall: &str, frame: u64, pictures: &[OutputPicture]) -> Option<WallPicture> {
    let index = stage.walls.iter().position(|candidate| candidate.id == wall)?;
    let [width, height] = stage.walls[index].size_px;
    let carries = |picture: &&OutputPicture| stage.outputs[picture.output].regions.iter().any(|r| r.wall == index);
    if !pictures.iter().any(|picture| carries(&picture)) {
        return None;
    }
    let mut rgb8 = vec![0; width as usize * height as usize * 3];
    for picture in pictures {
        let output = &stage.outputs[picture.output];
        let screen = Screen::new(output);
        for region in output.regions.iter().filter(|region| region.wall == index) {
            let area = region.wall_px;
            for (row, x) in (0..area.height).flat_map(|row| (0..area.width).map(move |x| (row, x))) {
                let from = (region.at_px[1] + row) * picture.size_px[0] + region.at_px[0] + x;
                let to = ((area.y + row) * width + area.x + x) as usize * 3;
                rgb8[to..to + 3].copy_from_slice(&screen.pixel(picture, from as usize));
            }
        }
    }
    Some(WallPicture { frame, width, height, rgb8 })
}

/// Code values to what a person's sRGB screen should get: light relative to the wall's peak, primaries as they are.
struct Screen {
    top: f32,
    table: Vec<u8>,
}

impl Screen {
    fn new(output: &Output) -> Self {
        let levels = 1_u32 << output.signal.bits;
        let encode = WallEncode::new(&output.signal);
        let peak = output.signal.peak_linear();
        let neutral = |level: u32| {
            let code = f64::from(level) / f64::from(levels - 1);
            let light = encode.acescg_from_code([code; 3])[1] / peak;
            (cyc_color::transfer::srgb_from_linear(light.clamp(0.0, 1.0)) * 255.0).round() as u8
        };
        Self { top: (levels - 1) as f32, table: (0..levels).map(neutral).collect() }
    }

    fn pixel(&self, picture: &OutputPicture, index: usize) -> [u8; 3] {
        let level = |code: f32| self.table[(code * self.top).round().clamp(0.0, self.top) as usize];
        match &picture.pixels {
            Pixels::Rgba8(pixels) => {
                let [r, g, b, _] = pixels[index];
                [r, g, b].map(|code| level(f32::from(code) / 255.0))
            }
            Pixels::Rgba16Float(pixels) => {
                let [r, g, b, _] = pixels[index];
                [r, g, b].map(|code| level(code.to_f32()))
            }
        }
    }
}
