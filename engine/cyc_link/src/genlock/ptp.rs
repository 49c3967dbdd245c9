//! PTP / SMPTE ST 2059-1: frames by arithmetic on TAI, and whether that may be called locked.
//!
//! The stage clock is CLOCK_MONOTONIC steered to the clock that a PTP daemon disciplines ([`clock`], [`discipline`],
//! [`reference`]), so that no step and no leap second of the wall clock steps the stage. The daemon is asked how it is
//! ([`daemon`]) and what it says is held against what is seen here ([`judge`]).

pub mod clock;
pub mod daemon;
pub mod discipline;
pub mod judge;
pub mod reference;

pub use clock::PtpClock;

use super::source::{SourceHandle, Stop};
use crate::error::LinkError;
use crate::pacer::monotonic_nanos;
use crate::sys;
use crossbeam_channel::{Receiver, Sender};
use cyc_core::Rate;
use cyc_stage::stage::Ptp;
use daemon::{Daemon, DaemonError, DaemonState};
use discipline::{Discipline, Reading, Taken};
use judge::{Evidence, Judge, Verdict};
use reference::Reference;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

/// How often the clocks are read.
const READ_EVERY: Duration = Duration::from_millis(125);
/// The daemon is asked at every so many readings.
const READINGS_A_QUESTION: u32 = 2;
/// A device that cannot be had is tried again at every so many readings.
const READINGS_A_TRY: u32 = 16;
/// News that the loop has not fetched; more are dropped.
const NEWS: usize = 16;

/// What the loop hears of PTP.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct News {
    /// The verdict.
    pub verdict: Verdict,
    /// TAI minus stage clock, nanoseconds, whole frames.
    pub aside_nanos: i64,
    /// By how much the reference is faster than this machine's clock, parts per million.
    pub slope_ppm: f64,
    /// How far the stage clock scatters about the reference, nanoseconds RMS.
    pub residual_nanos: f64,
    /// What is read, and how.
    pub reference: String,
}

/// A stage on PTP: its clock, the thread that steers it, and what that says.
#[derive(Debug)]
pub struct Running {
    /// The stage clock.
    pub clock: Arc<PtpClock>,
    /// The thread; it ends with this.
    pub handle: SourceHandle,
    /// What the thread says, a few times a second.
    pub news: Receiver<News>,
    /// What it said before it began.
    pub first: News,
}

/// Starts the stage clock: on the reference's time if it can be read, and with the daemon's answer if it gives one.
///
/// # Errors
/// No thread.
pub fn start(config: &Ptp, rate: Rate) -> Result<Running, LinkError> {
    let (sender, news) = crossbeam_channel::bounded(NEWS);
    let (mut keeper, first) = Keeper::new(config, rate, sender);
    let clock = keeper.clock.clone();
    let handle = SourceHandle::spawn("genlock ptp", move |stop| keeper.run(stop))?;
    Ok(Running { clock, handle, news, first })
}

/// What the thread owns.
struct Keeper {
    config: Ptp,
    clock: Arc<PtpClock>,
    reference: Reference,
    /// Why the device that was asked for is not read.
    trouble: Option<String>,
    /// The card that the daemon disciplines, to be compared with CLOCK_TAI.
    card: Option<File>,
    discipline: Discipline,
    daemon: Daemon,
    answer: Result<DaemonState, DaemonError>,
    judge: Judge,
    news: Sender<News>,
}

impl Keeper {
    fn new(config: &Ptp, rate: Rate, news: Sender<News>) -> (Self, News) {
        let (reference, trouble) = open(config);
        let mut daemon = Daemon::new(&config.management, config.domain);
        let answer = daemon.ask();
        let first = reference.read(utc_offset(&answer)).unwrap_or_else(|_| now_in_utc());
        let discipline = Discipline::new(rate, first);
        let clock = Arc::new(PtpClock::new(discipline.line()));
        let card = config.device.is_none().then(|| card_beside(config)).flatten();
        let judge = Judge::new(rate, config.interface.as_deref());
        let config = config.clone();
        let mut keeper = Self { config, clock, reference, trouble, card, discipline, daemon, answer, judge, news };
        let said = keeper.say(Some(first));
        (keeper, said)
    }

    fn run(&mut self, stop: &Stop) {
        let mut readings = 0_u32;
        while !stop.pause(READ_EVERY) {
            readings = readings.wrapping_add(1);
            if self.trouble.is_some() && readings.is_multiple_of(READINGS_A_TRY) {
                (self.reference, self.trouble) = open(&self.config);
            }
            let reading = self.read();
            if readings.is_multiple_of(READINGS_A_QUESTION) {
                self.answer = self.daemon.ask();
                let said = self.say(reading);
                // A loop that does not fetch its news gets fresh ones when it does.
                let _ = self.news.try_send(said);
            }
        }
    }

    /// Reads the reference and steers the clock.
    fn read(&mut self) -> Option<Reading> {
        let reading = match self.reference.read(utc_offset(&self.answer)) {
            Ok(reading) => reading,
            Err(error) => {
                let name = self.reference.name();
                self.trouble = Some(format!("{name} cannot be read ({}); the stage keeps its rate", error.desc()));
                return None;
            }
        };
        if let Taken::Stepped { by_nanos, .. } = self.discipline.take(reading) {
            let secs = by_nanos as f64 * 1e-9;
            tracing::warn!("PTP time was stepped by {secs:+.6} s; frames keep their numbers and follow the new phase");
        }
        self.clock.publish(self.discipline.line());
        Some(reading)
    }

    fn say(&mut self, reading: Option<Reading>) -> News {
        let on_system_clock = matches!(self.reference, Reference::System);
        let evidence = Evidence {
            now_nanos: monotonic_nanos(),
            raw_and_tai: reading.and_then(|reading| Some([reference::raw_nanos(&reading).ok()?, reading.tai_nanos])),
            daemon: &self.answer,
            discipline: &self.discipline,
            on_system_clock,
            kernel_tai_secs: sys::kernel_clock().map_or(0, |clock| clock.tai_offset_secs),
            card_minus_tai_nanos: self.card.as_ref().filter(|_| on_system_clock).and_then(reference::card_minus_tai),
            reference_trouble: self.trouble.as_deref(),
        };
        News {
            verdict: self.judge.judge(&evidence),
            aside_nanos: self.discipline.aside_nanos(),
            slope_ppm: self.discipline.slope_ppm(),
            residual_nanos: self.discipline.residual_nanos(),
            reference: self.reference.name(),
        }
    }
}

/// The clock that is asked for, or CLOCK_TAI and why.
fn open(config: &Ptp) -> (Reference, Option<String>) {
    match Reference::open(config.device.as_deref()) {
        Ok(reference) => (reference, None),
        Err(trouble) => (Reference::System, Some(trouble)),
    }
}

fn card_beside(config: &Ptp) -> Option<File> {
    File::open(reference::card_of(config.interface.as_deref()?)?).ok()
}

/// TAI minus UTC as the grandmaster says, if it says that it knows.
fn utc_offset(answer: &Result<DaemonState, DaemonError>) -> Option<i32> {
    let time = answer.as_ref().ok()?.time;
    (time.utc_offset_valid && time.ptp_timescale).then_some(i32::from(time.utc_offset_secs))
}

/// The best there is where no reference can be read: the wall clock.
fn now_in_utc() -> Reading {
    Reading { monotonic_nanos: monotonic_nanos(), tai_nanos: crate::clock::realtime_nanos(), bracket_nanos: 0 }
}

#[cfg(test)]
mod tests;
