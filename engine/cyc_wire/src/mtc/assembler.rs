//! From quarter frames to labelled frame starts, whichever way the transport runs.

use super::QuarterFrame;
use crate::timecode::{Counting, Direction};
use cyc_core::Timecode;
use std::fmt;

/// A frame begins as this quarter frame arrives (pieces 0 and 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameStart {
    /// The frame's label; `None` until eight pieces in a row have been heard.
    pub label: Option<Timecode>,
    /// How labels are counted, as soon as the label is known.
    pub counting: Option<Counting>,
    /// Which way the transport runs; `None` for the first piece after a break.
    pub direction: Option<Direction>,
}

impl fmt::Display for FrameStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.label, self.counting) {
            (Some(label), Some(counting)) => write!(f, "MTC frame {label} at {counting}"),
            _ => f.write_str("MTC frame"),
        }
    }
}

/// Puts quarter frames together and names each frame as it begins.
#[derive(Debug, Clone, Default)]
pub struct Assembler {
    values: [u8; 8],
    last: Option<u8>,
    direction: Option<Direction>,
    /// How many pieces of the current label have come in a row.
    run: u8,
    /// The label at the last piece 0 that was passed, by the last whole label, and its way of counting.
    base: Option<(Timecode, Counting)>,
    refused: u64,
}

impl Assembler {
    /// Takes the next quarter frame; says so if a frame begins with it.
    pub fn offer(&mut self, quarter: QuarterFrame) -> Option<FrameStart> {
        self.follow(quarter.piece());
        self.values[usize::from(quarter.piece())] = quarter.value();
        match (self.direction, quarter.piece()) {
            (Some(Direction::Forward), 0) => self.pass(2),
            (Some(Direction::Backward), 7) => self.pass(-2),
            _ => {}
        }
        self.complete(quarter.piece());
        quarter.begins_frame().then(|| self.frame_start(quarter.piece()))
    }

    /// Whole labels that did not exist.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Forgets what was heard: after a silence, or a full message that moved the transport.
    pub fn reset(&mut self) {
        *self = Self { refused: self.refused, ..Self::default() };
    }

    /// Which way the pieces run now, and how many of one label have come in a row.
    fn follow(&mut self, piece: u8) {
        let step = self.last.map(|last| piece.wrapping_sub(last) & 7);
        let direction = match step {
            Some(1) => Some(Direction::Forward),
            Some(7) => Some(Direction::Backward),
            _ => None,
        };
        if direction.is_none() || (self.direction.is_some() && direction != self.direction) {
            (self.base, self.run) = (None, 0);
        }
        let first = match direction {
            Some(Direction::Backward) => 7,
            _ => 0,
        };
        // Between a break and piece 0 (7 in reverse) there is nothing to count; a label that was begun before its
        // direction was known counts from its first piece all the same.
        self.run = match (piece == first, self.run) {
            (true, _) => 1,
            (false, 0) if direction.is_none() && piece == 7 => 1,
            (false, 0) => 0,
            (false, run) => run + 1,
        };
        (self.last, self.direction) = (Some(piece), direction);
    }

    /// Piece 0 was passed: the labelled frame is two further along.
    fn pass(&mut self, frames: i64) {
        self.base = self.base.map(|(label, counting)| (counting.advance(label, frames), counting));
    }

    /// Takes the label, if `piece` ends one.
    fn complete(&mut self, piece: u8) {
        let last = match self.direction {
            Some(Direction::Forward) => 7,
            Some(Direction::Backward) => 0,
            None => return,
        };
        if piece != last || self.run != 8 {
            return;
        }
        let byte = |low: usize| self.values[low] | self.values[low + 1] << 4;
        let counting = Counting::of_code(byte(6) >> 5 & 3);
        let label = counting.and_then(|counting| {
            let label = counting.label([byte(6) & 0x1F, byte(4), byte(2), byte(0)]).ok()?;
            Some((label, counting))
        });
        self.refused += u64::from(label.is_none());
        self.base = label;
    }

    fn frame_start(&self, piece: u8) -> FrameStart {
        let offset = match (self.direction, piece) {
            // In reverse, piece 0 is the end of the labelled frame and the frame before it begins.
            (Some(Direction::Backward), 0) => -1,
            (Some(Direction::Backward), _) | (_, 0) => 0,
            _ => 1,
        };
        let label = self.base.map(|(label, counting)| counting.advance(label, offset));
        FrameStart { label, counting: self.base.map(|(_, counting)| counting), direction: self.direction }
    }
}
