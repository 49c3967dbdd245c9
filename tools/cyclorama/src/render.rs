//! `cyclorama render`: the same frames offline, to the byte.

use crate::{
    Failure,
    app::{Parts, build, check_limits, controls},
    cli::RenderArgs,
    environment,
    pictures::{file_name, write_exr, write_png},
    stage_file,
};
use anyhow::{Context, anyhow, bail};
use cyc_core::{FrameInput, StageTime};
use cyc_frame::{OuterLayout, outer_layout, plan_line};
use cyc_link::fake::FakeClock;
use cyc_stage::stage::Stage;
use cyc_sync::GivenFrames;
use cyc_wall::sink::{FrameOutcome, FrameSink};
use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// The first frame is drawn at least this often before it counts, the last two times with nothing missing.
const LEAST_WARM_UP: u32 = 4;
/// Then something is wrong.
const MOST_WARM_UP: u32 = 2000;

/// Renders every line of the input. Exit code 2 on bad input, with the place.
pub fn render(args: &RenderArgs) -> Result<ExitCode, Failure> {
    let Some(stage) = stage_file::load(&args.stage) else { return Ok(ExitCode::from(2)) };
    let stage = Arc::new(stage);
    let frames = read_frames(&args.input, &stage).map_err(Failure::input)?;
    let gpu = cyc_wall::gpu::open().map_err(Failure::run_time)?;
    check_limits(&stage, &gpu).map_err(Failure::input)?;
    let environment = environment::load(Some(&args.environment), gpu.max_side_px).map_err(Failure::input)?;
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder {}", args.out.display()))
        .map_err(Failure::input)?;
    let trouble = Arc::new(Mutex::new(None));
    let settled = Arc::new(AtomicBool::new(false));
    let written = Arc::new(AtomicUsize::new(0));
    let state = State { trouble: trouble.clone(), settled: settled.clone(), written: written.clone() };
    let sink = FileSink::new(args, stage.clone(), state).map_err(Failure::input)?;
    let count = frames.len();
    let mut app = build(Parts {
        outputs: (0..stage.outputs.len()).collect(),
        stage,
        clock: Arc::new(FakeClock::at(StageTime(0))),
        gpu,
        environment,
        sink: Box::new(sink),
        windowed: false,
        controls: controls(args.pattern, args.pattern_nits),
        scene_linear: args.scene_linear,
        continuous: args.exr || args.scene_linear,
    });
    app.insert_resource(GivenFrames { frames, settled });
    app.run();
    drop(app);
    if let Some(error) = trouble.lock().ok().and_then(|mut trouble| trouble.take()) {
        return Err(Failure::run_time(error));
    }
    let written = written.load(Ordering::Relaxed);
    if written != count {
        return Err(Failure::run_time(anyhow!("the renderer stopped after {written} of {count} frames")));
    }
    Ok(ExitCode::SUCCESS)
}

fn read_frames(path: &Path, stage: &Stage) -> anyhow::Result<VecDeque<FrameInput>> {
    let file = File::open(path).with_context(|| format!("input \"{}\" cannot be read", path.display()))?;
    let mut frames = VecDeque::new();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let place = || format!("{}:{number}", path.display());
        let line = line.with_context(place)?;
        if line.trim().is_empty() {
            continue;
        }
        let frame: FrameInput = serde_json::from_str(&line).with_context(place)?;
        known_cameras(&frame, stage).with_context(place)?;
        if frames.iter().any(|known: &FrameInput| known.frame == frame.frame) {
            bail!("{}: frame {} is there twice; its pictures would overwrite each other", place(), frame.frame);
        }
        frames.push_back(frame);
    }
    if frames.is_empty() {
        bail!("input \"{}\" holds no frame; write one FrameInput as JSON a line", path.display());
    }
    Ok(frames)
}

fn known_cameras(frame: &FrameInput, stage: &Stage) -> anyhow::Result<()> {
    for id in frame.cameras.keys().chain(frame.late.keys()) {
        if !stage.cameras.iter().any(|camera| camera.id == *id) {
            let known: Vec<_> = stage.cameras.iter().map(|camera| camera.id.as_str()).collect();
            bail!("camera \"{id}\" is not in the stage file, which has: {}", known.join(", "));
        }
    }
    Ok(())
}

/// Writes pictures and `plan.jsonl`.
struct FileSink {
    stage: Arc<Stage>,
    outer: OuterLayout,
    out: PathBuf,
    plan: BufWriter<File>,
    exr: bool,
    scene_linear: bool,
    warm_up: u32,
    ready_before: bool,
    state: State,
}

/// What the sink and the command share.
struct State {
    trouble: Arc<Mutex<Option<anyhow::Error>>>,
    settled: Arc<AtomicBool>,
    written: Arc<AtomicUsize>,
}

impl FileSink {
    fn new(args: &RenderArgs, stage: Arc<Stage>, state: State) -> anyhow::Result<Self> {
        let plan = args.out.join("plan.jsonl");
        let file = File::create(&plan).with_context(|| format!("cannot write {}", plan.display()))?;
        Ok(Self {
            outer: outer_layout(&stage),
            stage,
            out: args.out.clone(),
            plan: BufWriter::new(file),
            exr: args.exr || args.scene_linear,
            scene_linear: args.scene_linear,
            warm_up: 0,
            ready_before: false,
            state,
        })
    }

    fn write(&mut self, outcome: &FrameOutcome) -> anyhow::Result<()> {
        let pictures = outcome.pictures.as_ref().ok_or_else(|| anyhow!("the GPU did not return the pictures"))?;
        for picture in pictures {
            let output = &self.stage.outputs[picture.output];
            let path = |extension| self.out.join(file_name(output, outcome.report.frame, extension));
            if self.exr {
                write_exr(&path("exr"), picture, self.scene_linear)?;
            } else {
                write_png(&path("png"), picture, &output.signal)?;
            }
        }
        serde_json::to_writer(&mut self.plan, &plan_line(&outcome.plan, &self.stage, &self.outer))?;
        self.plan.write_all(b"\n")?;
        self.plan.flush()?;
        Ok(())
    }
}

impl FileSink {
    fn settled(&self) -> bool {
        self.state.settled.load(Ordering::Relaxed)
    }

    /// The next frame counts once two in a row were drawn with nothing missing.
    fn warm_up(&mut self, ready: bool) {
        self.warm_up += 1;
        if self.warm_up > MOST_WARM_UP {
            self.fail(anyhow!("the environment's shaders never became ready"));
        }
        let enough = self.warm_up >= LEAST_WARM_UP && ready && self.ready_before;
        self.ready_before = ready;
        if enough || self.warm_up > MOST_WARM_UP {
            self.state.settled.store(true, Ordering::Relaxed);
        }
    }

    fn fail(&self, error: anyhow::Error) {
        if let Ok(mut trouble) = self.state.trouble.lock() {
            trouble.get_or_insert(error);
        }
    }
}

impl FrameSink for FileSink {
    fn wants_pictures(&mut self, _: u64) -> bool {
        self.settled()
    }

    fn done(&mut self, outcome: FrameOutcome) {
        if !self.settled() {
            return self.warm_up(outcome.ready);
        }
        if self.state.trouble.lock().is_ok_and(|trouble| trouble.is_some()) {
            return;
        }
        match self.write(&outcome) {
            Ok(()) => drop(self.state.written.fetch_add(1, Ordering::Relaxed)),
            Err(error) => self.fail(error),
        }
    }
}
