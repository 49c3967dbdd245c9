//! Payloads from segments, per source, within bounds.

use super::{Encoding, Segment};
use crate::WireError;

/// Longest payload that is put together, bytes; the largest published example is 3 kB.
pub const MAX_PAYLOAD: usize = 64 * 1024;
/// Sources that are followed at once; the one silent for longest makes room.
pub const MAX_SOURCES: usize = 8;

/// A datagram this far ahead is a gap; further away in either direction the sender has begun anew.
const MAX_GAP: i32 = 1024;
/// A datagram at most this far behind is late or a copy.
const MAX_LATE: i32 = 64;
/// As many late datagrams in unbroken sequence are no reordering: the sender has begun anew.
const RESTART_AFTER: u8 = 16;

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reassembly<'a> {
    /// The payload is complete.
    Complete(Encoding, &'a [u8]),
    /// Kept; more is to come.
    Pending,
    /// A copy, a late datagram, or part of a payload whose beginning is lost.
    Ignored,
}

/// Puts segments together, one payload per source at a time. A payload with a missing segment is given up as
/// a whole, as the transport demands; so is one whose segments come out of order.
#[derive(Debug, Clone, Default)]
pub struct Reassembler {
    sources: Vec<Source>,
    /// Counts offers; tells which source has been silent for longest.
    turn: u64,
}

#[derive(Debug, Clone)]
struct Source {
    id: u64,
    turn: u64,
    newest: u16,
    /// The newest late datagram and how many came in sequence up to it.
    late: (u16, u8),
    /// A payload has begun and lacks no segment so far.
    open: Option<Encoding>,
    payload: Vec<u8>,
}

enum Place {
    /// Next in line, after so many missing.
    Next { missing: u64 },
    /// A copy or late.
    Stale,
}

impl Reassembler {
    /// Takes a segment that came from `source` (any number that tells senders apart, such as a hash of their
    /// address and port). Returns what became of it and how many datagrams are missing before it.
    /// Errors: `TooLarge` if the payload would exceed [`MAX_PAYLOAD`].
    pub fn offer<'b>(&'b mut self, segment: &Segment<'b>, source: u64) -> (Result<Reassembly<'b>, WireError>, u64) {
        let (source, is_new) = self.source(source, segment.sequence());
        let place = if is_new { Place::Next { missing: 0 } } else { source.place(segment.sequence()) };
        match place {
            Place::Stale => (Ok(Reassembly::Ignored), 0),
            Place::Next { missing } => (source.accept(segment), missing),
        }
    }

    fn source(&mut self, id: u64, sequence: u16) -> (&mut Source, bool) {
        self.turn += 1;
        let known = self.sources.iter().position(|source| source.id == id);
        let at = known.unwrap_or_else(|| self.make_room(id, sequence));
        let source = &mut self.sources[at];
        source.turn = self.turn;
        (source, known.is_none())
    }

    fn make_room(&mut self, id: u64, newest: u16) -> usize {
        let fresh = Source { id, turn: self.turn, newest, late: (newest, 0), open: None, payload: Vec::new() };
        if self.sources.len() < MAX_SOURCES {
            self.sources.push(fresh);
            return self.sources.len() - 1;
        }
        let oldest = (0..self.sources.len()).min_by_key(|i| self.sources[*i].turn).unwrap_or(0);
        self.sources[oldest] = fresh;
        oldest
    }
}

impl Source {
    /// Where `sequence` stands to what came before; forgets an open payload if something is missing.
    fn place(&mut self, sequence: u16) -> Place {
        let ahead = i32::from(sequence.wrapping_sub(self.newest) as i16);
        if (-MAX_LATE..=0).contains(&ahead) && !self.restarted(sequence) {
            return Place::Stale;
        }
        let missing = if (1..=MAX_GAP).contains(&ahead) { (ahead - 1) as u64 } else { 0 };
        if ahead != 1 {
            self.open = None;
        }
        self.newest = sequence;
        self.late = (sequence, 0);
        Place::Next { missing }
    }

    fn restarted(&mut self, sequence: u16) -> bool {
        let (newest_late, run) = self.late;
        let run = if run > 0 && sequence == newest_late.wrapping_add(1) { run + 1 } else { 1 };
        self.late = (sequence, run);
        run >= RESTART_AFTER
    }

    fn accept<'b>(&'b mut self, segment: &Segment<'b>) -> Result<Reassembly<'b>, WireError> {
        let encoding = segment.encoding();
        if segment.offset() == 0 {
            self.payload.clear();
            self.open = None;
            if segment.is_last() {
                return Ok(Reassembly::Complete(encoding, segment.payload()));
            }
            self.open = Some(encoding);
        }
        if self.open != Some(encoding) || usize::try_from(segment.offset()) != Ok(self.payload.len()) {
            self.open = None;
            return Ok(Reassembly::Ignored);
        }
        if self.payload.len() + segment.payload().len() > MAX_PAYLOAD {
            self.open = None;
            return Err(WireError::TooLarge);
        }
        self.payload.extend_from_slice(segment.payload());
        if !segment.is_last() {
            return Ok(Reassembly::Pending);
        }
        self.open = None;
        Ok(Reassembly::Complete(encoding, &self.payload))
    }
}
