//! Whether PTP may be called locked: what its daemon says, and what is seen here.

use super::daemon::{DaemonError, DaemonState};
use super::discipline::Discipline;
use cyc_core::beat::{BeatEvent, Watch};
use cyc_core::{BeatSync, LockState, Rate, StageTime};
use cyc_wire::ptp::PortState;

/// An offset from the master up to this is small, nanoseconds; it may grow to five times that before it is not.
const SMALL_NANOS: i64 = 100_000;

/// A clock that moves by more than this against the machine's crystal moves, nanoseconds: the phase that house sync
/// may change by before somebody must hear of it.
const MOVED_NANOS: i64 = 100_000;

/// After a clock has moved, its word counts for nothing for this long, nanoseconds: longer than the watch is blind.
const DISTRUST_NANOS: i64 = 15_000_000_000;

/// A daemon that is slow to answer is taken to be as it was for this long, nanoseconds.
const GRACE_NANOS: i64 = 2_000_000_000;

/// Sync messages may fail to come for this long, nanoseconds, or for eight of their intervals.
const SYNC_SILENCE_NANOS: i64 = 3_000_000_000;

/// How fast a clock without a master may drift, parts per million: an ordinary crystal.
const CRYSTAL_PPM: i64 = 50;

/// No lock is better than this, nanoseconds.
const FINEST_NANOS: i64 = 100;

/// Everything that is known at one moment.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// CLOCK_MONOTONIC, nanoseconds.
    pub now_nanos: i64,
    /// CLOCK_MONOTONIC_RAW and the reference at the same moment, nanoseconds.
    pub raw_and_tai: Option<[i64; 2]>,
    /// What the daemon said.
    pub daemon: &'a Result<DaemonState, DaemonError>,
    /// How the stage clock follows the reference.
    pub discipline: &'a Discipline,
    /// Whether the reference is CLOCK_TAI, as against a card.
    pub on_system_clock: bool,
    /// TAI minus UTC by the kernel, seconds; 0 if it was never told.
    pub kernel_tai_secs: i32,
    /// The card that the daemon disciplines minus CLOCK_TAI, nanoseconds, where the stage is on CLOCK_TAI and both
    /// can be read.
    pub card_minus_tai_nanos: Option<i64>,
    /// Why the reference that was asked for cannot be read.
    pub reference_trouble: Option<&'a str>,
}

/// What is made of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// How the beat follows PTP.
    pub sync: BeatSync,
    /// Why it is not locked, with the fix; `None` while it is.
    pub why: Option<String>,
    /// What has just changed.
    pub event: Option<BeatEvent>,
}

/// Judges, a few times a second.
#[derive(Debug)]
pub struct Judge {
    rate: Rate,
    interface: String,
    watch: Watch,
    sync: BeatSync,
    /// When the state was last renewed.
    at: i64,
    last: Option<(DaemonState, i64)>,
    sync_seen: Option<(i64, i64)>,
    distrust_until: Option<i64>,
    moved_nanos: i64,
    locked_before: bool,
}

/// Why PTP is not to be called locked.
enum Doubt {
    /// It is on its way.
    Settling(String),
    /// It is not.
    No(String),
}

impl Judge {
    /// For a stage of `rate`; `interface` is for messages.
    pub fn new(rate: Rate, interface: Option<&str>) -> Self {
        Self {
            rate,
            interface: interface.map(|name| format!(" on {name}")).unwrap_or_default(),
            watch: Watch::new(MOVED_NANOS),
            sync: BeatSync::default(),
            at: 0,
            last: None,
            sync_seen: None,
            distrust_until: None,
            moved_nanos: 0,
            locked_before: false,
        }
    }

    /// The verdict on the evidence of now.
    pub fn judge(&mut self, evidence: &Evidence<'_>) -> Verdict {
        let claim = self.claim(evidence);
        let moved = self.moved(evidence, claim.is_ok());
        let believed = claim.and_then(|offset| self.believe(evidence, offset));
        let event = self.renew(evidence, &believed);
        let why = believed.err().map(|(Doubt::Settling(why) | Doubt::No(why))| why);
        Verdict {
            sync: self.sync,
            why,
            event: moved.map(|moved_nanos| BeatEvent::SourceLies { moved_nanos }).or(event),
        }
    }

    /// What the daemon claims: its offset from the master while it is locked.
    fn claim(&mut self, evidence: &Evidence<'_>) -> Result<i64, Doubt> {
        let now = evidence.now_nanos;
        let state = match evidence.daemon {
            Ok(state) => {
                self.last = Some((state.clone(), now));
                state.clone()
            }
            Err(error) => match &self.last {
                Some((state, at)) if matches!(error, DaemonError::Late(_)) && now - at < GRACE_NANOS => state.clone(),
                _ => return Err(Doubt::No(error.to_string())),
            },
        };
        let has = |wanted| state.ports.iter().any(|(state, _)| *state == wanted);
        if has(PortState::Slave) {
            self.claim_of_client(&state, now)
        } else if has(PortState::Master) && !state.status.grandmaster_present {
            claim_of_grandmaster(&state)
        } else if has(PortState::Uncalibrated) {
            Err(Doubt::Settling("the PTP daemon hears its master and is still steering its clock".to_owned()))
        } else {
            let states: Vec<String> = state.ports.iter().map(|(state, _)| format!("{state:?}")).collect();
            let (states, domain) = (states.join(", "), state.clock.domain);
            Err(Doubt::No(format!(
                "the PTP daemon follows no master{} (port: {states}): none is heard in domain {domain}; check the \
                 grandmaster, the switch's multicast filter and the VLAN",
                self.interface
            )))
        }
    }

    fn claim_of_client(&mut self, state: &DaemonState, now: i64) -> Result<i64, Doubt> {
        let status = &state.status;
        if !status.grandmaster_present {
            return Err(Doubt::No("the PTP daemon's port is SLAVE, and it knows no grandmaster".to_owned()));
        }
        let (ingress, seen) =
            self.sync_seen.filter(|(i, _)| *i == status.ingress_nanos).unwrap_or((status.ingress_nanos, now));
        self.sync_seen = Some((ingress, seen));
        let slowest = state.ports.iter().map(|(_, log)| *log).max().unwrap_or(0).clamp(-7, 4);
        let patience = SYNC_SILENCE_NANOS.max((8e9 * f64::from(slowest).exp2()) as i64);
        if now - seen > patience {
            let silent = (now - seen) / 1_000_000_000;
            return Err(Doubt::No(format!(
                "the PTP daemon says that it is locked, and no sync message has come for {silent} s; check the \
                 grandmaster and whether the network carries UDP 319"
            )));
        }
        let offset = status.master_offset_nanos;
        let small = if self.sync.state == LockState::Locked { 5 * SMALL_NANOS } else { SMALL_NANOS };
        if offset.saturating_abs() > small {
            let micros = offset as f64 * 1e-3;
            return Err(Doubt::Settling(format!("the PTP daemon is {micros:+.1} us off its master")));
        }
        Ok(offset)
    }

    /// The watched clock moves although its daemon claims that it is locked.
    fn moved(&mut self, evidence: &Evidence<'_>, claims: bool) -> Option<i64> {
        let [raw, tai] = evidence.raw_and_tai?;
        let moved = self.watch.read(StageTime(raw), tai, claims)?;
        let again = self.distrust_until.is_some();
        self.distrust_until = Some(evidence.now_nanos.saturating_add(DISTRUST_NANOS));
        self.moved_nanos = moved;
        (!again).then_some(moved)
    }

    fn believe(&mut self, evidence: &Evidence<'_>, offset: i64) -> Result<i64, Doubt> {
        if let Some(trouble) = evidence.reference_trouble {
            return Err(Doubt::No(trouble.to_owned()));
        }
        let time = self.last.as_ref().map(|(state, _)| state.time).unwrap_or_default();
        tai_is_known(evidence, &time)?;
        if let Some(off) = evidence.card_minus_tai_nanos.filter(|off| off.saturating_abs() > SMALL_NANOS) {
            return Err(Doubt::No(format!(
                "the PTP daemon disciplines the network card{}, and CLOCK_TAI is {:+.1} us off it: start phc2sys \
                 (`phc2sys -a -r`), or name the card's clock with `genlock.source.ptp.device`",
                self.interface,
                -off as f64 * 1e-3
            )));
        }
        if let Some(off) = evidence.discipline.doubts() {
            return Err(Doubt::No(format!(
                "the time was stepped by {:+.6} s; the stage keeps its own until the new one has held for 3 s",
                off as f64 * 1e-9
            )));
        }
        if self.distrust_until.is_some_and(|until| evidence.now_nanos < until) {
            return Err(Doubt::No(format!(
                "the PTP daemon says that it is locked, and its clock moved by {:+.1} us: look for a second program \
                 that steers it (chronyd, ntpd, systemd-timesyncd) or an unsteady grandmaster",
                self.moved_nanos as f64 * 1e-3
            )));
        }
        self.distrust_until = None;
        if !evidence.discipline.is_settled() {
            let micros = evidence.discipline.error_nanos() as f64 * 1e-3;
            return Err(Doubt::Settling(format!("the stage clock is steered to PTP's, {micros:+.1} us off")));
        }
        Ok(offset)
    }

    fn renew(&mut self, evidence: &Evidence<'_>, believed: &Result<i64, Doubt>) -> Option<BeatEvent> {
        let passed = evidence.now_nanos.saturating_sub(self.at).max(0);
        self.at = evidence.now_nanos;
        let before = self.sync.state;
        let followed = matches!(before, LockState::Locked | LockState::Holdover);
        let error = evidence.discipline.error_nanos();
        let half_frame = self.rate.frame_nanos() / 2;
        self.sync = match believed {
            Ok(offset) => {
                let residual = evidence.discipline.residual_nanos() as i64;
                let now = (offset.saturating_abs() + error.saturating_abs() + residual).max(FINEST_NANOS);
                // The worst of the last seconds: an offset that crosses nothing is not a better one.
                let faded = if before == LockState::Locked { self.sync.uncertainty_ns / 10 * 9 } else { 0 };
                BeatSync { state: LockState::Locked, uncertainty_ns: now.max(faded) }
            }
            Err(_) if followed => {
                let grown = self.sync.uncertainty_ns.saturating_add(passed / 1_000_000 * CRYSTAL_PPM);
                if grown > half_frame {
                    BeatSync::default()
                } else {
                    BeatSync { state: LockState::Holdover, uncertainty_ns: grown }
                }
            }
            Err(Doubt::Settling(_)) => BeatSync { state: LockState::Acquiring, uncertainty_ns: half_frame },
            Err(Doubt::No(_)) => BeatSync::default(),
        };
        let now = self.sync.state;
        match (before, now) {
            (before, now) if before == now => None,
            (_, LockState::Locked) if std::mem::replace(&mut self.locked_before, true) => {
                Some(BeatEvent::Relocked { phase_error_nanos: error })
            }
            (_, LockState::Locked) => Some(BeatEvent::Locked { phase_error_nanos: error }),
            (_, LockState::Holdover) => Some(BeatEvent::Holdover),
            (LockState::Holdover, LockState::Free) => Some(BeatEvent::Lost),
            _ => None,
        }
    }
}

/// A daemon that follows nobody is locked only if it is the grandmaster on purpose (IEEE 1588-2008, 7.6.2.4: classes
/// below 128 are never a client's); a machine that is cut off makes itself one with class 248.
fn claim_of_grandmaster(state: &DaemonState) -> Result<i64, Doubt> {
    let class = state.clock.quality.class;
    if class < 128 {
        return Ok(0);
    }
    Err(Doubt::No(format!(
        "this machine has made itself PTP grandmaster (class {class}), since it hears no other; check the network, set \
         `clientOnly 1` in ptp4l's configuration, or, if it is to be the grandmaster, `clockClass 13`"
    )))
}

/// Whether the reference shows TAI: a kernel that was never told the offset shows UTC.
fn tai_is_known(evidence: &Evidence<'_>, time: &cyc_wire::ptp::TimePropertiesDataSet) -> Result<(), Doubt> {
    let (kernel, master) = (evidence.kernel_tai_secs, i32::from(time.utc_offset_secs));
    if !evidence.on_system_clock {
        return if time.ptp_timescale {
            Ok(())
        } else {
            Err(Doubt::No(
                "the grandmaster's time is not TAI (ptpTimescale is off); set it up for the PTP timescale".to_owned(),
            ))
        };
    }
    let known = time.utc_offset_valid && time.ptp_timescale;
    match (kernel, known) {
        (0, false) => Err(Doubt::No(
            "nobody says how far TAI is from UTC: the kernel's offset is 0 and the grandmaster's currentUtcOffset is not \
             valid; set it up on the grandmaster, or give this machine leap seconds (chrony: `leapsectz right/UTC`)"
                .to_owned(),
        )),
        (kernel, true) if kernel != 0 && kernel != master => Err(Doubt::No(format!(
            "the kernel takes TAI to be {kernel} s ahead of UTC, the grandmaster {master} s; set one of them right \
             (chrony: `leapsectz right/UTC`)"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
