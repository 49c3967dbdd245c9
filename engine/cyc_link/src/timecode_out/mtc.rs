//! MIDI timecode that leaves: four quarter frames spread over each frame, and a full message where labels jump.
//!
//! [`Spread`] says what goes out and when, without clock or port; the thread sends it. Labels that run backwards or
//! stand still go out as full messages, one a frame.

use super::{Frame, Health, Queue, Said, carried, refuse};
use crate::error::LinkError;
use crate::genlock::mtc::{choose, no_sequencer};
use crate::genlock::source::{SourceHandle, Stop, Tell};
use cyc_core::{Clock, Rate, StageTime, Timecode};
use cyc_stage::stage::Midi;
use cyc_wire::mtc::{ALL_DEVICES, FULL_LEN, FullFrame, QuarterFrame, quarter_frames};
use cyc_wire::timecode::Counting;
use midir::{MidiOutput, MidiOutputConnection};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// As which this program appears to other MIDI programs.
const CLIENT: &str = "cyclorama";
/// How long a port that could not be opened is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// Nothing to send: how long the thread waits for a frame at a time.
const IDLE: Duration = Duration::from_millis(500);

/// Starts timecode on the first MIDI port whose name contains the configured text.
pub(super) fn start(
    config: &Midi,
    rate: Rate,
    clock: Arc<dyn Clock>,
    queue: Queue,
    mut health: Health,
) -> Result<SourceHandle, LinkError> {
    let port = config.port.clone();
    SourceHandle::spawn("tc mtc", move |stop| {
        if carried(rate, Timecode::default()).is_none() {
            return refuse(rate, "MTC", &queue, &mut health);
        }
        while !stop.is_stopped() {
            match open(&port) {
                Ok(mut connection) => {
                    health.well();
                    let mut send = |bytes: &[u8]| connection.send(bytes).map_err(|error| error.to_string());
                    match run(rate, &*clock, &queue, stop, &mut send) {
                        Ok(()) => return,
                        Err(why) => health.trouble(format!("MIDI port \"{port}\": {why}; it is opened again")),
                    }
                }
                Err(text) => health.trouble(text),
            }
            stop.pause(RETRY);
            // What happened meanwhile is past.
            while queue.try_recv().is_ok() {}
        }
    })
}

/// The MIDI ports that timecode can go to.
pub(super) fn ports() -> Result<Vec<String>, String> {
    let output = MidiOutput::new(CLIENT).map_err(|_| no_sequencer("any"))?;
    Ok(output.ports().iter().filter_map(|port| output.port_name(port).ok()).collect())
}

/// # Errors
/// In words for the operator.
fn open(wanted: &str) -> Result<MidiOutputConnection, String> {
    let output = MidiOutput::new(CLIENT).map_err(|_| no_sequencer(wanted))?;
    let ports: Vec<_> =
        output.ports().into_iter().filter_map(|port| Some((output.port_name(&port).ok()?, port))).collect();
    let names: Vec<&str> = ports.iter().map(|(name, _)| name.as_str()).collect();
    let (name, port) = &ports[choose(&names, wanted)?];
    output.connect(port, "timecode out").map_err(|error| format!("MIDI port \"{name}\" cannot be written: {error}"))
}

/// Sends until there is nobody to be told by.
///
/// # Errors
/// What `send` said.
fn run(
    rate: Rate,
    clock: &dyn Clock,
    queue: &Queue,
    stop: &Stop,
    send: &mut dyn FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut spread = Spread::new(rate);
    loop {
        while let Some(message) = spread.due(clock.now()) {
            send(message.bytes())?;
        }
        let wait = spread
            .next()
            .map_or(IDLE, |next| Duration::from_nanos(next.nanos_since(clock.now()).max(0).unsigned_abs()).min(IDLE));
        match queue.recv_timeout(wait) {
            Ok(Said::Frame(frame)) => spread.tell(&frame),
            Ok(Said::Cue { .. }) => {}
            Err(error) if error.is_timeout() && !stop.is_stopped() => {}
            Err(_) => return Ok(()),
        }
    }
}

/// A MIDI message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// A piece of a label.
    Quarter([u8; 2]),
    /// A whole label.
    Full([u8; FULL_LEN]),
}

impl Message {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Quarter(bytes) => bytes,
            Self::Full(bytes) => bytes,
        }
    }
}

/// What goes out and when.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    rate: Rate,
    /// The label of the newest frame that was told.
    last: Option<(Timecode, Counting)>,
    /// The pieces that are under way, if any: those of the label before, and whether four of them are still to come.
    pieces: Option<[QuarterFrame; 8]>,
    waiting: VecDeque<(StageTime, Message)>,
}

impl Spread {
    /// For a stage at `rate`.
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, last: None, pieces: None, waiting: VecDeque::new() }
    }

    /// A frame of the stage began.
    pub(crate) fn tell(&mut self, frame: &Frame) {
        let Some(carried) = carried(self.rate, frame.label) else { return };
        if carried.frames_ago > 0 {
            return;
        }
        let (label, counting) = (carried.label, carried.counting);
        let follows = self.last.is_some_and(|(last, c)| c == counting && counting.advance(last, 1) == label);
        self.last = Some((label, counting));
        let quarter_nanos = carried.rate.frame_nanos() / 4;
        if !follows {
            (self.pieces, self.waiting) = (None, VecDeque::new());
            let full = FullFrame { device: ALL_DEVICES, label, counting };
            if let Ok(bytes) = full.emit() {
                self.waiting.push_back((frame.ideal, Message::Full(bytes)));
            }
        }
        let half = match self.pieces.take() {
            Some(pieces) => Some([pieces[4], pieces[5], pieces[6], pieces[7]]),
            None => self.first_half(label, counting),
        };
        for (k, quarter) in (0..).zip(half.into_iter().flatten()) {
            let at = frame.ideal.plus_nanos(k * quarter_nanos);
            self.waiting.push_back((at, Message::Quarter(quarter.emit())));
        }
    }

    /// The first four pieces of a label, if one may begin with this frame: an even one, except at 25 (RP-004).
    fn first_half(&mut self, label: Timecode, counting: Counting) -> Option<[QuarterFrame; 4]> {
        if counting != Counting::Fps25 && !label.frames.is_multiple_of(2) {
            return None;
        }
        let pieces = quarter_frames(label, counting).ok()?;
        self.pieces = Some(pieces);
        Some([pieces[0], pieces[1], pieces[2], pieces[3]])
    }

    /// The next message that is to leave at `now` or before; each is given once, in order.
    pub(crate) fn due(&mut self, now: StageTime) -> Option<Message> {
        let is_due = self.waiting.front().is_some_and(|(at, _)| *at <= now);
        is_due.then(|| self.waiting.pop_front()).flatten().map(|(_, message)| message)
    }

    /// When the next message is to leave.
    pub(crate) fn next(&self) -> Option<StageTime> {
        self.waiting.front().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyc_wire::mtc::{Assembler, Message as Heard};

    /// What a listener makes of frames `first..` of a stage: (frame, label heard as it began) wherever one was.
    fn heard(rate: &str, first: u64, frames: u64, jump_at: Option<u64>) -> Vec<(u64, Option<String>, Option<String>)> {
        let rate: Rate = rate.parse().unwrap();
        let (mut spread, mut assembler, mut out) = (Spread::new(rate), Assembler::default(), Vec::new());
        for n in 0..frames {
            let skipped = if jump_at.is_some_and(|at| n >= at) { 1000 } else { 0 };
            let label = Timecode::of_frame(first + n + skipped, rate, true);
            let ideal = StageTime(rate.nanos_of_frame(n));
            spread.tell(&Frame { frame: n, label, ideal });
            let end = StageTime(rate.nanos_of_frame(n + 1) - 1);
            while let Some(message) = spread.due(end) {
                match Heard::parse(message.bytes()).unwrap() {
                    Heard::Quarter(quarter) => {
                        if let Some(start) = assembler.offer(quarter) {
                            out.push((n, start.label.map(|l| l.to_string()), None));
                        }
                    }
                    Heard::Full(full) => {
                        assembler.reset();
                        out.push((n, None, Some(full.label.to_string())));
                    }
                    Heard::Other { .. } => unreachable!(),
                }
            }
            // Pieces are told in time: nothing of this frame is left for the next.
            assert!(spread.next().is_none() || rate.frame_nanos() < 20_000_000, "{rate} {n}");
        }
        out
    }

    #[test]
    fn a_listener_hears_every_label_on_its_frame() {
        for rate in ["24", "24000/1001", "25", "30000/1001", "30"] {
            let exact: Rate = rate.parse().unwrap();
            let heard = heard(rate, 1798, 40, None);
            let labelled: Vec<_> = heard.iter().filter_map(|(n, label, _)| Some((*n, label.clone()?))).collect();
            assert!(labelled.len() >= 30, "{rate}: {labelled:?}");
            for (n, label) in labelled {
                let drop = rate == "30000/1001";
                assert_eq!(label, Timecode::of_frame(1798 + n, exact, drop).to_string(), "{rate}");
            }
        }
    }

    #[test]
    fn fast_stages_send_every_nth_label_at_its_own_rate() {
        let labelled: Vec<_> =
            heard("60", 0, 60, None).into_iter().filter_map(|(n, label, _)| Some((n, label?))).collect();
        assert_eq!(labelled[0], (4, "00:00:00:02".into()));
        assert_eq!(labelled[20], (44, "00:00:00:22".into()));
        assert!(labelled.iter().all(|(n, _)| n % 2 == 0));
    }

    #[test]
    fn a_jump_is_a_full_message_and_pieces_begin_anew_on_an_even_frame() {
        let heard = heard("30", 0, 40, Some(11));
        let full: Vec<_> = heard.iter().filter_map(|(n, _, full)| Some((*n, full.clone()?))).collect();
        assert_eq!(full, [(0, "00:00:00:00".into()), (11, "00:00:33:21".into())]);
        let after: Vec<u64> =
            heard.iter().filter(|(n, _, full)| *n >= 11 && full.is_none()).map(|(n, ..)| *n).collect();
        assert_eq!(after[0], 12, "frame 21 is odd, so the pieces begin with 22");
        let (n, label, _) = heard.last().unwrap();
        assert_eq!(label.clone().unwrap(), Timecode::of_frame(1000 + n, Rate::new(30, 1).unwrap(), false).to_string());
    }

    #[test]
    fn quarters_are_a_quarter_of_a_frame_apart() {
        let mut spread = Spread::new("25".parse().unwrap());
        spread.tell(&Frame { frame: 0, label: Timecode::default(), ideal: StageTime(1000) });
        let mut at = Vec::new();
        while let Some(next) = spread.next() {
            at.push(next.0 - 1000);
            assert!(spread.due(next.plus_nanos(-1)).is_none() && spread.due(next).is_some());
        }
        assert_eq!(at, [0, 0, 10_000_000, 20_000_000, 30_000_000]);
    }

    #[test]
    fn a_machine_without_midi_is_named() {
        match MidiOutput::new(CLIENT) {
            Err(_) => assert!(open("x").err().unwrap().contains("/dev/snd/seq")),
            Ok(_) => assert!(open("no port is called this").err().unwrap().contains("no MIDI port's name")),
        }
    }
}
