//! MIDI timecode as beat and label: quarter frames with the stamps that the ALSA sequencer gave them.

use super::Inbox;
use super::source::{SourceHandle, Stop, Teller};
use super::stamps::StampMap;
use crate::error::LinkError;
use cyc_core::{Clock, StageTime};
use cyc_stage::stage::Midi;
use cyc_wire::mtc::{Assembler, Message};
use cyc_wire::timecode::Direction;
use midir::{MidiInput, MidiInputConnection, MidiInputPort};
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether the port is still there, or has come.
const LOOK: Duration = Duration::from_secs(1);
/// After a silence of this many nanoseconds the pieces begin anew: a quarter frame lasts 10 ms.
const BREAK_NANOS: i64 = 500_000_000;
/// As which this program appears to other MIDI programs.
const CLIENT: &str = "cyclorama";

/// Listens on the first MIDI port whose name contains the configured text. A port that is not there, or goes, is
/// named and looked for until it comes.
///
/// # Errors
/// No thread.
pub fn start(config: &Midi, clock: Arc<dyn Clock>, inbox: Inbox) -> Result<SourceHandle, LinkError> {
    let wanted = config.port.clone();
    let mut teller = Teller::new(inbox.clone());
    SourceHandle::spawn("genlock mtc", move |stop| {
        while !stop.is_stopped() {
            match connect(&wanted, clock.clone(), inbox.clone()) {
                Ok(open) => {
                    teller.well();
                    open.watch(stop);
                    if !stop.is_stopped() {
                        teller
                            .trouble(format!("MIDI port \"{}\" is gone; it is looked for until it is back", open.name));
                    }
                }
                Err(text) => teller.trouble(text),
            }
            stop.pause(LOOK);
        }
    })
}

/// The MIDI ports that timecode can come from, by the names in which stage files may name a part.
///
/// # Errors
/// In words for the operator: there is no MIDI at all.
pub fn ports() -> Result<Vec<String>, String> {
    let input = MidiInput::new(CLIENT).map_err(|_| no_sequencer("any"))?;
    Ok(input.ports().iter().filter_map(|port| input.port_name(port).ok()).collect())
}

/// An open port. It hears by a thread of `midir`, until it is dropped.
struct Open {
    name: String,
    id: String,
    _connection: MidiInputConnection<()>,
}

impl Open {
    /// Until the end, or until the port is gone.
    fn watch(&self, stop: &Stop) {
        while !stop.pause(LOOK) {
            // A second client, since the first one's handle is with the thread that hears.
            let Ok(input) = MidiInput::new(CLIENT) else { return };
            if !input
                .ports()
                .iter()
                .any(|port| port.id() == self.id && input.port_name(port).is_ok_and(|n| n == self.name))
            {
                return;
            }
        }
    }
}

/// # Errors
/// In words for the operator.
fn connect(wanted: &str, clock: Arc<dyn Clock>, inbox: Inbox) -> Result<Open, String> {
    let input = MidiInput::new(CLIENT).map_err(|_| no_sequencer(wanted))?;
    let (port, name) = find(&input, wanted)?;
    let id = port.id();
    let mut listener = Listener::new(Teller::new(inbox));
    let hear = move |micros: u64, bytes: &[u8], (): &mut ()| {
        let now = clock.now();
        listener.message(bytes, i64::try_from(micros).unwrap_or(i64::MAX).saturating_mul(1000), now);
    };
    let connection = input
        .connect(&port, "timecode in", hear, ())
        .map_err(|error| format!("MIDI port \"{name}\" cannot be heard: {error}"))?;
    Ok(Open { name, id, _connection: connection })
}

/// What to say where there is no MIDI at all.
pub(crate) fn no_sequencer(wanted: &str) -> String {
    format!(
        "MIDI port \"{wanted}\" cannot be opened: this machine has no ALSA sequencer (/dev/snd/seq); load the kernel \
         module snd-seq and give the user the group \"audio\""
    )
}

fn find(input: &MidiInput, wanted: &str) -> Result<(MidiInputPort, String), String> {
    let ports: Vec<_> =
        input.ports().into_iter().filter_map(|port| Some((input.port_name(&port).ok()?, port))).collect();
    let names: Vec<&str> = ports.iter().map(|(name, _)| name.as_str()).collect();
    let index = choose(&names, wanted)?;
    ports.into_iter().nth(index).map(|(name, port)| (port, name)).ok_or_else(|| no_port(&[], wanted))
}

/// The first port whose name contains the text.
///
/// # Errors
/// In words for the operator, with the names there are.
pub(crate) fn choose(names: &[&str], wanted: &str) -> Result<usize, String> {
    names.iter().position(|name| name.contains(wanted)).ok_or_else(|| no_port(names, wanted))
}

fn no_port(names: &[&str], wanted: &str) -> String {
    let there = if names.is_empty() { "there is none".to_owned() } else { format!("there are: {}", names.join(", ")) };
    format!("no MIDI port's name contains \"{wanted}\"; {there}")
}

/// What is made of messages.
struct Listener {
    teller: Teller,
    stamps: StampMap,
    assembler: Assembler,
    last: Option<StageTime>,
}

impl Listener {
    fn new(teller: Teller) -> Self {
        Self { teller, stamps: StampMap::default(), assembler: Assembler::default(), last: None }
    }

    /// A message that the sequencer stamped with `device_nanos` and that became known here at `now`. Bytes that are
    /// no timecode are none of our business: notes and clocks may come on the same port.
    fn message(&mut self, bytes: &[u8], device_nanos: i64, now: StageTime) {
        let Ok(message) = Message::parse(bytes) else { return };
        let at = self.stamps.stage_time(device_nanos, now);
        match message {
            Message::Quarter(quarter) => {
                if self.last.replace(at).is_some_and(|last| at.nanos_since(last) > BREAK_NANOS) {
                    self.assembler.reset();
                }
                let Some(start) = self.assembler.offer(quarter) else { return };
                self.teller.pulse(at, None);
                if let (Some(label), Some(counting)) = (start.label, start.counting) {
                    let direction = start.direction.unwrap_or(Direction::Forward).sign();
                    self.teller.label(label, at, Some(counting.nominal()), direction);
                }
            }
            Message::Full(full) => {
                self.assembler.reset();
                self.teller.label(full.label, at, Some(full.counting.nominal()), Direction::Forward.sign());
            }
            Message::Other { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genlock::Heard;
    use cyc_core::Timecode;
    use cyc_wire::mtc::{FullFrame, quarter_frames};
    use cyc_wire::timecode::Counting;

    /// 25 a second: a quarter frame in nanoseconds.
    const QUARTER: i64 = 10_000_000;

    fn label(text: &str) -> Timecode {
        text.parse().unwrap()
    }

    fn listener() -> (Listener, crossbeam_channel::Receiver<Heard>) {
        let (sender, heard) = crossbeam_channel::unbounded();
        (Listener::new(Teller::new(sender)), heard)
    }

    /// `labels` times eight quarter frames from 10:00:00:00 on, the device's clock an hour ahead, known 0 to 3 ms
    /// late.
    fn play(listener: &mut Listener, labels: i64) {
        for n in 0..labels {
            let carried = Counting::Fps25.advance(label("10:00:00:00"), 2 * n);
            for (k, quarter) in quarter_frames(carried, Counting::Fps25).unwrap().into_iter().enumerate() {
                let at = (8 * n + k as i64) * QUARTER;
                let late = at / QUARTER % 4 * 1_000_000;
                listener.message(&quarter.emit(), 3_600_000_000_000 + at, StageTime(at + late));
            }
        }
    }

    #[test]
    fn every_second_quarter_of_four_begins_a_frame_and_labels_name_the_frame_that_begins() {
        let (mut listener, heard) = listener();
        play(&mut listener, 3);
        let heard: Vec<Heard> = heard.try_iter().collect();
        let pulses: Vec<i64> =
            heard.iter().filter_map(|h| if let Heard::Pulse { at, .. } = h { Some(at.0) } else { None }).collect();
        assert_eq!(pulses, [0, 4, 8, 12, 16, 20].map(|quarters| quarters * QUARTER));
        let labels: Vec<(i64, String)> = heard
            .iter()
            .filter_map(|h| match h {
                Heard::Label { label, at, nominal: Some(25), direction: 1 } => {
                    Some((at.0 / QUARTER, label.to_string()))
                }
                _ => None,
            })
            .collect();
        let expected = [(8, "10:00:00:02"), (12, "10:00:00:03"), (16, "10:00:00:04"), (20, "10:00:00:05")];
        assert_eq!(labels, expected.map(|(at, label)| (at, label.to_owned())));
    }

    #[test]
    fn a_full_message_is_a_label_and_no_beat_and_other_messages_are_nothing() {
        let (mut listener, heard) = listener();
        let full = FullFrame { device: 0x7f, label: label("01:02:03:04"), counting: Counting::Fps24 };
        listener.message(&full.emit().unwrap(), 0, StageTime(5));
        for other in [&[0x90, 60, 100][..], &[0xf8], &[], &[0xf1], &[0xf1, 0xff], &[0x12]] {
            listener.message(other, 0, StageTime(6));
        }
        let expected = Heard::Label { label: full.label, at: StageTime(5), nominal: Some(24), direction: 1 };
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn after_a_silence_no_label_is_made_of_old_pieces() {
        let (mut listener, heard) = listener();
        play(&mut listener, 1);
        let next = quarter_frames(label("20:00:00:00"), Counting::Fps25).unwrap()[0];
        listener.message(&next.emit(), 3_610_000_000_000, StageTime(10_000_000_000));
        assert!(heard.try_iter().all(|h| !matches!(h, Heard::Label { .. })));
    }

    #[test]
    fn a_port_is_chosen_by_a_part_of_its_name_and_its_absence_is_named() {
        let names = ["Midi Through:Port-0 14:0", "Rosendahl:MTC 20:0", "Rosendahl:MTC 20:1"];
        assert_eq!(choose(&names, "MTC"), Ok(1));
        assert!(choose(&names, "XYZ").unwrap_err().contains("there are: Midi Through"));
        assert!(choose(&[], "XYZ").unwrap_err().contains("there is none"));
    }
}
