//! Output windows: borderless, one per driven output, where the stage file says.

use crate::commands::Keys;
use bevy::{
    prelude::*,
    window::{CursorOptions, Monitor, MonitorSelection, PresentMode, WindowMode, WindowPosition, WindowResolution},
};
use cyc_core::command::Command;
use cyc_stage::stage::{Monitor as WantedMonitor, Stage};
use cyc_sync::{Hold, StageInUse};
use cyc_wall::{
    controls::{Show, WallControls},
    setup::WallSetup,
    surface::OutputWindow,
};

/// Opens a window for every driven output. Those without a place stand side by side.
pub fn open(mut commands: Commands, stage: Res<StageInUse>, setup: Res<WallSetup>) {
    let mut next_x = 0;
    for (n, &index) in setup.outputs.iter().enumerate() {
        let no_pointer = CursorOptions { visible: false, ..default() };
        commands.spawn((OutputWindow(n), window(&stage.0, index, &mut next_x), no_pointer));
    }
}

fn window(stage: &Stage, index: usize, next_x: &mut i32) -> Window {
    let output = &stage.outputs[index];
    let [width, height] = output.size_px;
    let (position, mode) = match (&output.window.monitor, output.window.position_px) {
        (_, Some([x, y])) => (WindowPosition::At(IVec2::new(x, y)), WindowMode::Windowed),
        (Some(WantedMonitor::Index(monitor)), None) => {
            (WindowPosition::Automatic, WindowMode::BorderlessFullscreen(MonitorSelection::Index(*monitor)))
        }
        (Some(WantedMonitor::Name(_)), None) => (WindowPosition::Automatic, WindowMode::Windowed),
        (None, None) => {
            let x = *next_x;
            *next_x += width as i32;
            (WindowPosition::At(IVec2::new(x, 0)), WindowMode::Windowed)
        }
    };
    Window {
        title: format!("Cyclorama {}", output.id),
        // Code values are per pixel: no scaling, whatever the desktop says.
        resolution: WindowResolution::new(width, height).with_scale_factor_override(1.0),
        position,
        mode,
        decorations: false,
        resizable: false,
        present_mode: PresentMode::Immediate,
        ..default()
    }
}

/// Sends windows to the monitor that their output names; says which monitors there are where none has that name.
pub fn place_by_name(
    stage: Res<StageInUse>,
    setup: Res<WallSetup>,
    monitors: Query<(Entity, &Monitor)>,
    mut windows: Query<(&OutputWindow, &mut Window)>,
    mut placed: Local<bool>,
) {
    if *placed || monitors.is_empty() {
        return;
    }
    *placed = true;
    for (output, mut window) in &mut windows {
        let output = &stage.0.outputs[setup.outputs[output.0]];
        let Some(WantedMonitor::Name(name)) = &output.window.monitor else { continue };
        match monitors.iter().find(|(_, monitor)| monitor.name.as_deref() == Some(name)) {
            Some((monitor, _)) => {
                window.mode = WindowMode::BorderlessFullscreen(MonitorSelection::Entity(monitor));
            }
            None => {
                let known: Vec<_> = monitors.iter().filter_map(|(_, monitor)| monitor.name.as_deref()).collect();
                error!(
                    "output \"{}\" wants monitor \"{name}\", which is not there; monitors: {}",
                    output.id,
                    known.join(", ")
                );
            }
        }
    }
}

/// The operator's keys: F freezes, B blacks out while held, P steps through the patterns, O shows the inner frusta. They
/// are commands like any other, so that they stand in the events.
pub fn keys(keys: Res<ButtonInput<KeyCode>>, controls: Res<WallControls>, hold: Res<Hold>, commands: Res<Keys>) {
    if keys.just_pressed(KeyCode::KeyF) {
        commands.give(Command::Freeze(!hold.0));
    }
    if keys.just_pressed(KeyCode::KeyB) || keys.just_released(KeyCode::KeyB) {
        commands.give(Command::Blackout(keys.pressed(KeyCode::KeyB)));
    }
    if keys.just_pressed(KeyCode::KeyO) {
        commands.give(Command::Outline(!controls.outline));
    }
    if keys.just_pressed(KeyCode::KeyP) {
        let next = match controls.show {
            Show::Picture => Some("grid"),
            Show::Grid => Some("bar"),
            Show::Bar => Some("flat"),
            Show::Flat | Show::Black | Show::Coded => None,
        };
        commands.give(Command::Pattern(next.map(str::to_owned)));
    }
}
