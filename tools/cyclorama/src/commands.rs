//! Commands at their frames, and timecode out: what happens as a frame begins.

use crate::{beat::WARM_UP_FRAMES, cli::Pattern};
use bevy::prelude::*;
use clap::ValueEnum;
use crossbeam_channel::Sender;
use cyc_core::{
    Timecode,
    command::{Answer, Asked, Catalogue, Command, CommandIntake, CommandPort, Outcome},
    input::EventInput,
};
use cyc_frame::latch::timecode_label;
use cyc_link::timecode_out::TimecodeOutputs;
use cyc_sync::{Frame, FrameSet, Hold, StageInUse};
use cyc_wall::controls::{Show, WallControls};
use std::sync::mpsc::sync_channel;

/// What can be named in a command on this stage: there are no looks and no light cards yet.
pub fn catalogue() -> Catalogue {
    let patterns = Pattern::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let patterns = patterns.map(|value| value.get_name().to_owned()).collect();
    Catalogue { patterns, ..Catalogue::default() }
}

/// The frame thread's end of all commands.
#[derive(Resource)]
pub struct Commanded {
    intake: CommandIntake,
    outcomes: Vec<Outcome>,
    told: Sender<Outcome>,
    warm: u32,
}

impl Commanded {
    /// Takes commands from `intake` and tells `told` what became of them.
    pub fn new(intake: CommandIntake, told: Sender<Outcome>) -> Self {
        Self { intake, outcomes: Vec::new(), told, warm: 0 }
    }
}

/// Gives commands from inside the program: keys.
#[derive(Resource, Clone)]
pub struct Keys(pub CommandPort);

impl Keys {
    /// Gives a command for the next frame; what becomes of it is in the events.
    pub fn give(&self, command: Command) {
        let (reply, _) = sync_channel(2);
        let asked = Asked { command, at_frame: None, from: "keys".into() };
        if let Err(refusal) = self.0.send(asked, &reply, 0) {
            warn!("{refusal}");
        }
    }
}

/// Timecode that leaves.
#[derive(Resource)]
pub struct TimecodeOut(pub TimecodeOutputs);

/// Adds what happens as a frame begins, before poses are latched.
pub fn plugin(app: &mut App) {
    let systems = (obey, send_timecode.run_if(resource_exists::<TimecodeOut>));
    app.add_systems(PreUpdate, systems.chain().before(FrameSet::Latch));
}

/// Does what is due on the frame that begins. Warm-up frames have no number of their own and do nothing.
fn obey(
    mut commanded: ResMut<Commanded>,
    mut frame: ResMut<Frame>,
    mut controls: ResMut<WallControls>,
    mut hold: ResMut<Hold>,
    timecode: Option<Res<TimecodeOut>>,
) {
    frame.input.events.clear();
    let Some(tick) = frame.tick else { return };
    if commanded.warm < WARM_UP_FRAMES {
        commanded.warm += 1;
        return;
    }
    let Commanded { intake, outcomes, told, .. } = &mut *commanded;
    intake.begin(tick.frame, outcomes);
    for outcome in outcomes.drain(..) {
        if matches!(outcome.answer, Answer::Done { .. }) {
            let command = &outcome.asked.command;
            apply(command, &mut controls, &mut hold);
            if let Some(name) = event_of(command) {
                if let Some(timecode) = &timecode {
                    timecode.0.cue(&name, tick.frame);
                }
                frame.input.events.push(EventInput { name });
            }
        }
        // Whoever keeps the events has more room than a frame has commands.
        let _ = told.try_send(outcome);
    }
}

fn apply(command: &Command, controls: &mut WallControls, hold: &mut Hold) {
    match command {
        Command::Freeze(on) => hold.0 = *on,
        Command::Blackout(on) => controls.blackout = *on,
        Command::Outline(on) => controls.outline = *on,
        Command::Pattern(name) => {
            let pattern = name.as_deref().and_then(|name| Pattern::from_str(name, true).ok());
            controls.outline = pattern == Some(Pattern::Outline);
            controls.show = pattern.map_or(Show::Picture, Pattern::show);
        }
        Command::Rolling(_) | Command::Slate(_) | Command::Cue(_) | Command::LightCard { .. } | Command::Event(_) => {}
    }
}

/// What goes into the frame's input, and out to whoever follows the stage's cues.
fn event_of(command: &Command) -> Option<String> {
    match command {
        Command::Slate(_) | Command::Cue(_) | Command::Event(_) | Command::Rolling(_) => Some(command.to_string()),
        _ => None,
    }
}

fn send_timecode(out: Res<TimecodeOut>, frame: Res<Frame>, stage: Res<StageInUse>) {
    let Some(tick) = frame.tick else { return };
    let counted = || timecode_label(tick.frame, stage.0.frame_rate).parse::<Timecode>().ok();
    if let Some(label) = tick.label.or_else(counted) {
        out.0.tick(tick.frame, label, tick.ideal);
    }
}
