//! What is known of beat and labels: for the desk, for `doctor`, and as changes worth an event.

use cyc_core::beat::BeatEvent;
use cyc_core::event::{Notice, Severity};
use cyc_core::label::{LabelEvent, LabelState};
use cyc_core::{BeatSync, LockState, Rate, StageTime, Timecode};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::pacer::PacerReport;

/// Beat and labels at the newest tick.
#[derive(Debug, Clone, PartialEq)]
pub struct GenlockReading {
    /// The source of beats, for the operator: "PTP domain 127 (CLOCK_TAI)".
    pub source: String,
    /// How the beat follows it.
    pub sync: BeatSync,
    /// The stage's rate.
    pub rate: Rate,
    /// Frames a second as measured on the stage clock; `None` while nothing was measured.
    pub measured_hz: Option<f64>,
    /// By how much the source is faster than the stage clock (PTP: than this machine's), parts per million.
    pub measured_ppm: Option<f64>,
    /// How far pulses (PTP: readings) scatter about the beat, nanoseconds RMS.
    pub residual_nanos: Option<f64>,
    /// Tick numbers minus the source's own frames, where that has some.
    pub shift: i64,
    /// The source's trouble, with the fix; for PTP also why it is not called locked.
    pub trouble: Option<String>,
    /// The source of labels, for the operator.
    pub label_source: String,
    /// Where labels come from just now; `None` where they are counted or follow the clock on the wall.
    pub label_state: Option<LabelState>,
    /// The newest label.
    pub label: Option<Timecode>,
    /// The label source's trouble, where it is another one than the beat's.
    pub label_trouble: Option<String>,
    /// What the frame thread was granted; empty before the first beat.
    pub pacer: PacerReport,
    /// How long before a beat the frame thread is woken, nanoseconds.
    pub lead_nanos: i64,
    /// How often a frame worked for so long that its real-time rights were taken.
    pub overworked: u64,
    /// The newest tick.
    pub frame: u64,
    /// Its ideal instant.
    pub ideal: StageTime,
}

impl GenlockReading {
    pub(super) fn new(source: String, label_source: String, rate: Rate) -> Self {
        Self {
            source,
            sync: BeatSync::default(),
            rate,
            measured_hz: None,
            measured_ppm: None,
            residual_nanos: None,
            shift: 0,
            trouble: None,
            label_source,
            label_state: None,
            label: None,
            label_trouble: None,
            pacer: PacerReport::default(),
            lead_nanos: 0,
            overworked: 0,
            frame: 0,
            ideal: StageTime(0),
        }
    }
}

impl fmt::Display for GenlockReading {
    /// One line: source, state, what was measured, trouble.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.sync.state {
            LockState::Free => "free".to_owned(),
            LockState::Acquiring => "acquiring".to_owned(),
            LockState::Locked => format!("locked to {:.1} us", self.sync.uncertainty_ns as f64 * 1e-3),
            LockState::Holdover => format!("holding over, {:.1} us", self.sync.uncertainty_ns as f64 * 1e-3),
        };
        write!(f, "{}: {state} at {}", self.source, self.rate)?;
        if let Some(ppm) = self.measured_ppm {
            write!(f, ", {ppm:+.3} ppm")?;
        }
        if let Some(residual) = self.residual_nanos {
            write!(f, ", {:.1} us RMS", residual * 1e-3)?;
        }
        self.trouble.as_ref().map_or(Ok(()), |trouble| write!(f, "; {trouble}"))
    }
}

/// Reads beat and labels from any thread.
#[derive(Debug, Clone)]
pub struct GenlockStatus(Arc<Mutex<GenlockReading>>);

impl GenlockStatus {
    pub(super) fn new(reading: GenlockReading) -> Self {
        Self(Arc::new(Mutex::new(reading)))
    }

    /// As it was at the newest tick.
    pub fn read(&self) -> GenlockReading {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The frame thread writes; it never waits for a reader, and a tick that finds one is written with the next.
    pub(super) fn write(&self, change: impl FnOnce(&mut GenlockReading)) -> bool {
        match self.0.try_lock() {
            Ok(mut reading) => {
                change(&mut reading);
                true
            }
            Err(_) => false,
        }
    }
}

/// Something about beat or labels that an operator must hear of; `Display` says it in words.
#[derive(Debug, Clone, PartialEq)]
pub enum GenlockChange {
    /// The beat.
    Beat(BeatEvent),
    /// The labels.
    Label(LabelEvent),
    /// The beat's source is in trouble, in words with the fix, or works again.
    Source(Option<String>),
    /// The label's source is, where it is another one.
    LabelSource(Option<String>),
}

impl GenlockChange {
    /// As the stage monitor takes it.
    pub fn notice(&self) -> Notice<'_> {
        match self {
            Self::Beat(event) => Notice::Beat(event),
            Self::Label(event) => Notice::Label(event),
            Self::Source(trouble) | Self::LabelSource(trouble) => Notice::Source(trouble.as_deref()),
        }
    }

    /// What it is about, as the stage monitor's subject.
    pub fn subject(&self) -> &'static str {
        match self {
            Self::Beat(_) | Self::Source(_) => "genlock",
            Self::Label(_) | Self::LabelSource(_) => "timecode",
        }
    }

    /// How bad it is while no camera records.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Beat(BeatEvent::Locked { .. } | BeatEvent::Relocked { .. })
            | Self::Label(LabelEvent::Jammed { .. } | LabelEvent::Regained)
            | Self::Source(None)
            | Self::LabelSource(None) => Severity::Info,
            Self::Beat(BeatEvent::Holdover | BeatEvent::Rebased { .. })
            | Self::Label(_)
            | Self::Source(Some(_))
            | Self::LabelSource(Some(_)) => Severity::Warning,
            Self::Beat(_) => Severity::Error,
        }
    }
}

impl fmt::Display for GenlockChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beat(event) => event.fmt(f),
            Self::Label(event) => event.fmt(f),
            Self::Source(Some(trouble)) => write!(f, "genlock: {trouble}"),
            Self::Source(None) => write!(f, "genlock: the source works"),
            Self::LabelSource(Some(trouble)) => write!(f, "timecode: {trouble}"),
            Self::LabelSource(None) => write!(f, "timecode: the source works"),
        }
    }
}

#[cfg(test)]
impl GenlockStatus {
    /// Runs something while a reader is in the middle of reading.
    pub(super) fn with_reading_held(&self, run: impl FnOnce()) {
        let _held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        run();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_one_line() {
        let mut reading =
            GenlockReading::new("PTP domain 127 (CLOCK_TAI)".into(), "counted".into(), "24".parse().unwrap());
        assert_eq!(reading.to_string(), "PTP domain 127 (CLOCK_TAI): free at 24");
        reading.sync = BeatSync { state: LockState::Locked, uncertainty_ns: 1200 };
        (reading.measured_ppm, reading.residual_nanos) = (Some(-3.25), Some(800.0));
        assert_eq!(reading.to_string(), "PTP domain 127 (CLOCK_TAI): locked to 1.2 us at 24, -3.250 ppm, 0.8 us RMS");
        reading.sync = BeatSync { state: LockState::Holdover, uncertainty_ns: 250_000 };
        reading.trouble = Some("the daemon has ended".into());
        assert!(
            reading.to_string().ends_with("holding over, 250.0 us at 24, -3.250 ppm, 0.8 us RMS; the daemon has ended")
        );
    }

    #[test]
    fn changes_have_a_severity_a_subject_and_words() {
        let changes = [
            (GenlockChange::Beat(BeatEvent::Locked { phase_error_nanos: 0 }), Severity::Info, "genlock"),
            (GenlockChange::Beat(BeatEvent::Holdover), Severity::Warning, "genlock"),
            (GenlockChange::Beat(BeatEvent::Lost), Severity::Error, "genlock"),
            (GenlockChange::Beat(BeatEvent::SourceLies { moved_nanos: 300_000 }), Severity::Error, "genlock"),
            (GenlockChange::Label(LabelEvent::Lost), Severity::Warning, "timecode"),
            (GenlockChange::Label(LabelEvent::Regained), Severity::Info, "timecode"),
            (GenlockChange::Source(Some("no port".into())), Severity::Warning, "genlock"),
            (GenlockChange::LabelSource(None), Severity::Info, "timecode"),
        ];
        for (change, severity, subject) in changes {
            assert_eq!((change.severity(), change.subject()), (severity, subject), "{change}");
            assert!(!change.to_string().is_empty());
            let _ = change.notice();
        }
    }
}
