//! The clock that PTP disciplines, read together with CLOCK_MONOTONIC: CLOCK_TAI or a card's own.

use super::discipline::Reading;
use crate::pacer::monotonic_nanos;
use crate::sys::{self, phc};
use nix::errno::Errno;
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;

/// How often clocks are read for one reading; the tightest counts.
const TRIES: usize = 5;

/// The two offsets of CLOCK_REALTIME around a card's stamps may differ by this, nanoseconds; more is a step.
const SAME_NANOS: i64 = 20_000;

/// Where TAI comes from.
#[derive(Debug)]
pub enum Reference {
    /// CLOCK_TAI; without the kernel's TAI offset, CLOCK_REALTIME and the offset that the daemon knows.
    System,
    /// A hardware clock.
    Card {
        /// Its path.
        path: String,
        /// The open device.
        device: File,
        /// How it is read.
        how: How,
    },
}

/// How a card's clock is read, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Stamped by hardware together with the system's clock.
    Precise,
    /// Stamped by the driver between two readings of the system's clock.
    Extended,
    /// Read from here between two readings of CLOCK_MONOTONIC.
    Plain,
}

impl Reference {
    /// CLOCK_TAI, or the hardware clock at `path`.
    ///
    /// # Errors
    /// In words for the operator.
    pub fn open(path: Option<&str>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self::System) };
        // Reading needs no right to write, and some systems ask for it all the same.
        let opened = File::open(path).or_else(|_| OpenOptions::new().read(true).write(true).open(path));
        let device = opened.map_err(|error| no_device(path, &error))?;
        phc::cross_stamps(&device).map_err(|_| format!("{path} is no PTP hardware clock; {}", clocks_there()))?;
        let how = if phc::precise(&device).is_ok() {
            How::Precise
        } else if phc::extended(&device).is_ok() {
            How::Extended
        } else {
            How::Plain
        };
        Ok(Self::Card { path: path.to_owned(), device, how })
    }

    /// For the operator: what is read, and how.
    pub fn name(&self) -> String {
        match self {
            Self::System => "CLOCK_TAI".to_owned(),
            Self::Card { path, how: How::Precise, .. } => format!("{path}, stamped by hardware"),
            Self::Card { path, how: How::Extended, .. } => format!("{path}, stamped by its driver"),
            Self::Card { path, how: How::Plain, .. } => format!("{path}, read over the bus"),
        }
    }

    /// Reads it. `utc_offset_secs` is TAI minus UTC as the daemon knows it, for a kernel that does not.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&self, utc_offset_secs: Option<i32>) -> Result<Reading, Errno> {
        match self {
            Self::System => {
                let kernel = sys::kernel_clock()?.tai_offset_secs;
                let extra = if kernel == 0 { utc_offset_secs.unwrap_or(0) } else { 0 };
                let reading = tightest(ClockId::CLOCK_TAI)?;
                let tai_nanos = reading.tai_nanos.saturating_add(i64::from(extra) * 1_000_000_000);
                Ok(Reading { tai_nanos, ..reading })
            }
            Self::Card { device, how, .. } => match how {
                How::Precise => with_realtime(|| phc::precise(device).map(|[card, system]| [system, card, system])),
                How::Extended => with_realtime(|| phc::extended(device)),
                How::Plain => tightest(phc::clock_id(device)),
            },
        }
    }
}

/// The hardware clock of a network interface, where it has one: what a daemon with hardware stamps disciplines.
pub fn card_of(interface: &str) -> Option<PathBuf> {
    // A name and not a path.
    if interface.is_empty() || interface.contains('/') {
        return None;
    }
    let folder = PathBuf::from("/sys/class/net").join(interface).join("device/ptp");
    let entry = std::fs::read_dir(folder).ok()?.flatten().next()?;
    Some(PathBuf::from("/dev").join(entry.file_name()))
}

/// CLOCK_MONOTONIC_RAW, which nobody steers, at the moment of a reading.
///
/// # Errors
/// What the system says.
pub fn raw_nanos(reading: &Reading) -> Result<i64, Errno> {
    let raw = tightest(ClockId::CLOCK_MONOTONIC_RAW)?;
    // The two run apart by 500 ppm at most, and the reading is less than a millisecond old.
    Ok(raw.tai_nanos.saturating_sub(raw.monotonic_nanos.saturating_sub(reading.monotonic_nanos)))
}

/// A hardware clock minus CLOCK_TAI, nanoseconds; `None` where one of them cannot be read, or the kernel was never
/// told what TAI is.
pub fn card_minus_tai(card: &File) -> Option<i64> {
    if sys::kernel_clock().ok()?.tai_offset_secs == 0 {
        return None;
    }
    let [card, system] = [tightest(phc::clock_id(card)).ok()?, tightest(ClockId::CLOCK_TAI).ok()?];
    let apart = system.monotonic_nanos.saturating_sub(card.monotonic_nanos);
    Some(card.tai_nanos.saturating_add(apart).saturating_sub(system.tai_nanos))
}

/// CLOCK_MONOTONIC before, the clock, CLOCK_MONOTONIC after; the tightest of a few.
fn tightest(clock: ClockId) -> Result<Reading, Errno> {
    let mut best: Option<Reading> = None;
    for _ in 0..TRIES {
        let before = monotonic_nanos();
        let tai_nanos = clock_gettime(clock)?.num_nanoseconds();
        let reading = between(before, tai_nanos, monotonic_nanos());
        if best.is_none_or(|best| reading.bracket_nanos < best.bracket_nanos) {
            best = Some(reading);
        }
    }
    best.ok_or(Errno::ENODATA)
}

fn between(before: i64, tai_nanos: i64, after: i64) -> Reading {
    let bracket_nanos = after.saturating_sub(before);
    Reading { monotonic_nanos: before.saturating_add(bracket_nanos / 2), tai_nanos, bracket_nanos }
}

/// Stamps of a card against CLOCK_REALTIME (system before, card, system after), brought onto CLOCK_MONOTONIC.
fn with_realtime(stamps: impl Fn() -> Result<[i64; 3], Errno>) -> Result<Reading, Errno> {
    for _ in 0..TRIES {
        let first = realtime_offset()?;
        let [before, card, after] = stamps()?;
        let second = realtime_offset()?;
        // CLOCK_REALTIME may be stepped between; CLOCK_MONOTONIC is not.
        if first.saturating_sub(second).saturating_abs() <= SAME_NANOS {
            return Ok(between(before.saturating_sub(second), card, after.saturating_sub(second)));
        }
    }
    Err(Errno::EAGAIN)
}

/// CLOCK_REALTIME minus CLOCK_MONOTONIC.
fn realtime_offset() -> Result<i64, Errno> {
    let reading = tightest(ClockId::CLOCK_REALTIME)?;
    Ok(reading.tai_nanos.saturating_sub(reading.monotonic_nanos))
}

fn no_device(path: &str, error: &io::Error) -> String {
    let what = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no {path}; {}", clocks_there()),
        io::ErrorKind::PermissionDenied => {
            let rule = r#"SUBSYSTEM=="ptp", GROUP="ptp", MODE="0640""#;
            format!("{path} may not be opened; add the udev rule {rule} and the user to that group, or run as root")
        }
        _ => format!("{path} cannot be opened: {error}"),
    };
    format!("{what}. The stage runs on CLOCK_TAI meanwhile")
}

/// The hardware clocks of this machine, in words.
fn clocks_there() -> String {
    let mut names: Vec<String> = std::fs::read_dir("/sys/class/ptp")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| format!("/dev/{}", entry.file_name().to_string_lossy()))
        .collect();
    names.sort();
    if names.is_empty() {
        "this machine has no PTP hardware clock (`ethtool -T INTERFACE` tells); leave `device` out to use CLOCK_TAI"
            .to_owned()
    } else {
        format!("this machine has {} (`ethtool -T INTERFACE` tells which is whose)", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tai_is_read_with_the_kernels_offset_or_the_daemons_and_never_with_both() {
        let reference = Reference::open(None).unwrap();
        let realtime = crate::clock::realtime_nanos();
        let kernel = sys::kernel_clock().unwrap().tai_offset_secs;
        for daemon in [None, Some(37), Some(0)] {
            let ahead = reference.read(daemon).unwrap().tai_nanos - realtime;
            let expected = if kernel == 0 { daemon.unwrap_or(0) } else { kernel };
            assert!((ahead - i64::from(expected) * 1_000_000_000).abs() < 500_000_000, "{daemon:?}: {ahead}");
        }
    }

    #[test]
    fn readings_advance_as_monotonic_does() {
        let reference = Reference::System;
        let [a, b] = [reference.read(None).unwrap(), reference.read(None).unwrap()];
        let apart = (b.tai_nanos - a.tai_nanos) - (b.monotonic_nanos - a.monotonic_nanos);
        assert!(apart.abs() <= a.bracket_nanos + b.bracket_nanos + 1, "{a:?} {b:?}");
    }

    #[test]
    fn devices_that_are_none_are_named_with_the_fix() {
        let missing = Reference::open(Some("/dev/ptp-none")).unwrap_err();
        assert!(missing.contains("there is no /dev/ptp-none") && missing.contains("hardware clock"), "{missing}");
        let wrong = Reference::open(Some("/dev/null")).unwrap_err();
        assert!(wrong.contains("/dev/null is no PTP hardware clock"), "{wrong}");
        assert_eq!(card_of("../../etc"), None);
        assert_eq!(card_of("lo"), None);
    }

    #[test]
    fn a_cards_stamps_come_onto_monotonic() {
        let taken = monotonic_nanos();
        // A card that shows CLOCK_REALTIME plus 37 s, stamped around 1 us.
        let reading = with_realtime(|| {
            let now = crate::clock::realtime_nanos();
            Ok([now, now + 37_000_000_500, now + 1_000])
        })
        .unwrap();
        assert_eq!(reading.bracket_nanos, 1_000);
        assert!(
            reading.monotonic_nanos >= taken - SAME_NANOS && reading.monotonic_nanos <= monotonic_nanos() + SAME_NANOS
        );
        let ahead = reading.tai_nanos - tightest(ClockId::CLOCK_REALTIME).unwrap().tai_nanos;
        assert!((36_000_000_000..=37_000_100_000).contains(&ahead), "{ahead}");
        assert_eq!(with_realtime(|| Err(Errno::EOPNOTSUPP)), Err(Errno::EOPNOTSUPP));
    }
}
