//! Beats from a display's vertical blanking, as DRM stamps it (drm_crtc_queue_sequence, CLOCK_MONOTONIC).
//!
//! Where outputs are genlocked by a sync board, this is the house's beat as the GPU has it. A display that blanks
//! several times a frame of the stage beats at every n-th blanking.

use super::Inbox;
use super::source::{RETRY, SourceHandle, Stop, Teller};
use crate::error::LinkError;
use crate::pacer::monotonic_nanos;
use crate::sys::drm::{self, Blanking, Connector};
use cyc_core::{Clock, Rate};
use cyc_stage::stage::Display;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::Arc;

/// How long blanking is waited for before it is looked whether the source is to end, milliseconds.
const WAIT_MILLIS: u16 = 250;
/// So many waits in vain are a display that was switched off.
const WAITS_IN_VAIN: u32 = 8;

/// Beats of the display's blanking, on a stage of `rate`. A device that cannot be had is named and tried again.
///
/// # Errors
/// No thread.
pub fn start(config: &Display, rate: Rate, clock: Arc<dyn Clock>, inbox: Inbox) -> Result<SourceHandle, LinkError> {
    let config = config.clone();
    let mut teller = Teller::new(inbox);
    SourceHandle::spawn("genlock display", move |stop| {
        while !stop.is_stopped() {
            let trouble = match Card::open(&config) {
                Ok(card) => card.follow(rate, &*clock, &mut teller, stop),
                Err(trouble) => trouble,
            };
            if !stop.is_stopped() {
                teller.trouble(trouble);
                stop.pause(RETRY);
            }
        }
    })
}

/// Whether a device drives displays, and its connectors; for `doctor`.
///
/// # Errors
/// In words for the operator.
pub fn connectors(card: &str) -> Result<Vec<Connector>, String> {
    let device = open(card)?;
    drm::connectors(&device).map_err(|error| no_displays(card, error))
}

/// Whether a display can be followed; for `doctor`.
///
/// # Errors
/// In words for the operator.
pub fn check(card: &str, connector: Option<&str>) -> Result<(), String> {
    choose(&connectors(card)?, connector, card).map(drop)
}

/// An open device and the scan-out engine that is followed.
struct Card {
    path: String,
    connector: String,
    device: File,
    crtc: u32,
}

impl Card {
    /// # Errors
    /// In words for the operator.
    fn open(config: &Display) -> Result<Self, String> {
        let device = open(&config.card)?;
        let connectors = drm::connectors(&device).map_err(|error| no_displays(&config.card, error))?;
        let (connector, crtc) = choose(&connectors, config.connector.as_deref(), &config.card)?;
        Ok(Self { path: config.card.clone(), connector, device, crtc })
    }

    /// Until the end or until the display is gone; then why.
    fn follow(mut self, rate: Rate, clock: &dyn Clock, teller: &mut Teller, stop: &Stop) -> String {
        let mut divider = Divider::new(rate);
        let mut in_vain = 0;
        while !stop.is_stopped() {
            match self.next() {
                Ok(Some(blanking)) => {
                    in_vain = 0;
                    teller.well();
                    if let Some(count) = divider.beat(blanking) {
                        let age = monotonic_nanos().saturating_sub(blanking.monotonic_nanos);
                        teller.pulse(clock.now().plus_nanos(age.saturating_neg()), Some(count));
                    }
                }
                Ok(None) => {
                    in_vain += 1;
                    if in_vain >= WAITS_IN_VAIN {
                        return format!("display {} of {} does not blank; is it asleep?", self.connector, self.path);
                    }
                }
                Err(error) => return self.explain(error),
            }
        }
        String::new()
    }

    /// The next blanking; `None` if none comes in time.
    fn next(&mut self) -> Result<Option<Blanking>, Errno> {
        drm::queue_next(&self.device, self.crtc)?;
        let mut wait = [PollFd::new(self.device.as_fd(), PollFlags::POLLIN)];
        match poll(&mut wait, PollTimeout::from(WAIT_MILLIS)) {
            Ok(0) | Err(Errno::EINTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
        let mut bytes = [0; 1024];
        let length =
            self.device.read(&mut bytes).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
        let (mut rest, mut newest) = (bytes.get(..length).unwrap_or_default(), None);
        while let Some((blanking, taken)) = drm::event(rest) {
            newest = blanking.or(newest);
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(newest)
    }

    fn explain(&self, error: Errno) -> String {
        let (connector, path) = (&self.connector, &self.path);
        match error {
            Errno::EOPNOTSUPP => format!("the driver of {path} does not stamp vertical blanking; take another source"),
            Errno::EINVAL => format!("display {connector} of {path} is off; switch it on"),
            error => format!("display {connector} of {path} cannot be followed: {}", error.desc()),
        }
    }
}

fn open(card: &str) -> Result<File, String> {
    OpenOptions::new().read(true).write(true).open(card).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!("there is no {card}; `ls /dev/dri` lists the devices (NVIDIA: load nvidia-drm with modeset=1)")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{card} may not be opened; add the user to the group \"video\" and log in again")
        }
        _ => format!("{card} cannot be opened: {error}"),
    })
}

fn no_displays(card: &str, error: Errno) -> String {
    format!("{card} drives no displays ({}); `ls -l /dev/dri/by-path` tells the cards apart", error.desc())
}

/// The connector with this name, or the first that is on.
fn choose(connectors: &[Connector], wanted: Option<&str>, card: &str) -> Result<(String, u32), String> {
    let there = || {
        let names: Vec<String> =
            connectors.iter().map(|c| format!("{}{}", c.name, if c.crtc.is_some() { " (on)" } else { "" })).collect();
        if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) }
    };
    let found = match wanted {
        Some(name) => {
            let named = connectors.iter().find(|connector| connector.name == name);
            named.ok_or_else(|| format!("{card} has no connector \"{name}\"; {}", there()))?
        }
        None => {
            let on = connectors.iter().find(|connector| connector.crtc.is_some());
            on.ok_or_else(|| format!("no display of {card} is on; {}", there()))?
        }
    };
    let off = || format!("display {} of {card} is off; switch it on", found.name);
    found.crtc.map(|crtc| (found.name.clone(), crtc)).ok_or_else(off)
}

/// Finds how many blankings a frame of the stage has, and passes on the one that begins it.
#[derive(Debug, Clone)]
struct Divider {
    frame_nanos: i64,
    first: Option<Blanking>,
    blankings: u64,
}

/// So many blankings are measured first.
const MEASURED: u64 = 12;

impl Divider {
    fn new(rate: Rate) -> Self {
        Self { frame_nanos: rate.frame_nanos(), first: None, blankings: 0 }
    }

    /// The count of the stage's frames, where this blanking begins one.
    fn beat(&mut self, blanking: Blanking) -> Option<i64> {
        let first = *self.first.get_or_insert(blanking);
        if self.blankings == 0 {
            let passed = blanking.sequence.wrapping_sub(first.sequence);
            if passed < MEASURED {
                return None;
            }
            let nanos = blanking.monotonic_nanos.saturating_sub(first.monotonic_nanos).max(1);
            let per_frame = self.frame_nanos as f64 * passed as f64 / nanos as f64;
            // Where it is no whole number, all are passed on: the loop says that the rates do not fit.
            let whole = per_frame.round();
            self.blankings = if (per_frame - whole).abs() < 0.01 { whole.clamp(1.0, 64.0) as u64 } else { 1 };
        }
        let count = blanking.sequence / self.blankings;
        blanking.sequence.is_multiple_of(self.blankings).then_some(count as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MonotonicClock;
    use crate::genlock::Heard;

    fn connector(name: &str, crtc: Option<u32>) -> Connector {
        Connector { name: name.into(), connected: crtc.is_some(), crtc }
    }

    #[test]
    fn a_connector_is_chosen_by_name_or_by_being_on() {
        let there = [connector("HDMI-A-1", None), connector("DP-1", Some(41)), connector("DP-2", Some(42))];
        assert_eq!(choose(&there, None, "card0"), Ok(("DP-1".into(), 41)));
        assert_eq!(choose(&there, Some("DP-2"), "card0"), Ok(("DP-2".into(), 42)));
        let off = choose(&there, Some("HDMI-A-1"), "card0").unwrap_err();
        assert!(off.contains("HDMI-A-1 of card0 is off"), "{off}");
        let missing = choose(&there, Some("DP-3"), "card0").unwrap_err();
        assert!(missing.contains("it has HDMI-A-1, DP-1 (on), DP-2 (on)"), "{missing}");
        assert!(choose(&[], None, "card0").unwrap_err().contains("it has none"));
    }

    #[test]
    fn devices_that_drive_no_display_are_named_and_the_source_goes_on_trying() {
        for (card, expected) in
            [("/dev/dri/card-none", "there is no /dev/dri/card-none"), ("/dev/null", "drives no displays")]
        {
            let (sender, heard) = crossbeam_channel::unbounded();
            let config = Display { card: card.into(), connector: None };
            let source = start(&config, "60".parse().unwrap(), Arc::new(MonotonicClock), sender).unwrap();
            let Ok(Heard::Trouble(text)) = heard.recv() else { panic!("no trouble with {card}") };
            assert!(text.contains(expected), "{text}");
            drop(source);
            assert!(connectors(card).unwrap_err().contains(expected));
        }
    }

    #[test]
    fn a_frame_begins_at_every_nth_blanking() {
        for (display_hz, rate, expected) in
            [(60.0, "60", 1), (48.0, "24", 2), (120.0, "24", 5), (23.976, "24000/1001", 1)]
        {
            let mut divider = Divider::new(rate.parse().unwrap());
            let beats: Vec<(u64, i64)> = (1000..1100)
                .filter_map(|sequence| {
                    let monotonic_nanos = (sequence as f64 * 1e9 / display_hz) as i64;
                    divider.beat(Blanking { sequence, monotonic_nanos }).map(|count| (sequence, count))
                })
                .collect();
            assert!(beats.windows(2).all(|w| w[1].0 - w[0].0 == expected && w[1].1 - w[0].1 == 1), "{beats:?}");
            assert!(beats.len() >= 88 / expected as usize);
        }
    }

    #[test]
    fn a_display_that_does_not_fit_passes_every_blanking_on() {
        let mut divider = Divider::new("24".parse().unwrap());
        let blanking = |sequence| Blanking { sequence, monotonic_nanos: sequence as i64 * 16_666_667 };
        let beats = (0..100).filter_map(|n| divider.beat(blanking(n))).count();
        assert_eq!(beats, 88);
    }
}
