//! What the operator does to the wall, apart from the environment.

use bevy::prelude::*;

/// What the walls show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum Show {
    /// The environment.
    #[default]
    Picture = 0,
    /// Panels with numbers.
    Grid = 1,
    /// A bar that moves four pixels a frame.
    Bar = 2,
    /// A flat field of [`WallControls::level`].
    Flat = 3,
    /// Black.
    Black = 4,
    /// The coded pattern of a delay measurement (`cyc_frame::delay::pattern`).
    Coded = 5,
}

/// The walls' controls. Takes effect on the next frame.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct WallControls {
    /// What is shown.
    pub show: Show,
    /// Black, whatever is shown.
    pub blackout: bool,
    /// Draws the outline of the inner frusta over it.
    pub outline: bool,
    /// Light of patterns, 1.0 = 100 cd/m2.
    pub level: f32,
}

impl Default for WallControls {
    fn default() -> Self {
        Self { show: Show::Picture, blackout: false, outline: false, level: 1.0 }
    }
}
