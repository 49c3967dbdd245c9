//! Events in words: what happened and, where something can be done, what.

use super::{BudgetItem, EventKind, Spender};

/// The message of an event about `subject`; `why` is the reason, where the kind has one.
pub(super) fn message(kind: &EventKind, subject: &str, why: &str) -> String {
    match kind {
        EventKind::TickMissed { missed: 1 } => "a tick passed without a new picture".into(),
        EventKind::TickMissed { missed } => format!("{missed} ticks passed without a new picture"),
        EventKind::TicksRegained { missed, lasted_ns } => {
            format!(
                "every tick has a picture again; {}{}",
                count(*missed, "was missed", "were missed"),
                within(*lasted_ns)
            )
        }
        EventKind::OverBudget { .. } | EventKind::WithinBudget { .. } => budget(kind, subject),
        EventKind::Degraded { level, .. } => {
            format!("quality is given up to keep the beat, step {level}: {}", quality(kind))
        }
        EventKind::Restored { level: 0, .. } => "full quality is back".into(),
        EventKind::Restored { level, .. } => format!("quality is given back, step {level}: {}", quality(kind)),
        EventKind::CommandDone { .. } | EventKind::CommandRefused { .. } => command(kind),
        EventKind::RollingOn => "a camera records".into(),
        EventKind::RollingOff => "no camera records".into(),
        EventKind::OutputLost => format!("output {subject} shows nothing new: {why}"),
        EventKind::OutputRegained { lasted_ns } => format!("output {subject} shows again, after {}", span(*lasted_ns)),
        EventKind::FeedStale { .. }
        | EventKind::FeedLost { .. }
        | EventKind::FeedRegained { .. }
        | EventKind::FeedJump { .. } => feed(kind, subject, why),
        _ => sync(kind, subject, why),
    }
}

fn sync(kind: &EventKind, subject: &str, why: &str) -> String {
    match kind {
        EventKind::GenlockLocked => format!("the beat follows {why}"),
        EventKind::GenlockHoldover { uncertainty_ns } => format!(
            "{why} is silent; the beat goes on at the rate it had, sure to {} and less by the second: check the cable \
             and the generator",
            span(*uncertainty_ns)
        ),
        EventKind::GenlockLost { uncertainty_ns } => format!(
            "the beat is not {why}'s any more, it may be off by {}: check the cable and the generator",
            span(*uncertainty_ns)
        ),
        EventKind::GenlockFree => format!(
            "the stage runs on its own clock, since {why} gives no beat: check the cable, the generator and [genlock]"
        ),
        EventKind::GenlockRegained { lasted_ns } => format!("the beat follows {why} again, after {}", span(*lasted_ns)),
        EventKind::RateMismatch { measured_hz, expected_hz } => format!(
            "{subject} beats {measured_hz:.3} times a second, not {expected_hz:.3}, and is not followed: set the generator or frame_rate"
        ),
        EventKind::RateMatched => format!("{subject} ticks at the stage's rate"),
        EventKind::GenlockRebased { frames } => {
            format!("{subject}'s own count jumped by {frames:+} frames; the stage's numbers go on")
        }
        EventKind::SourceUnsteady => {
            format!("{subject} beats without a steady rate and is not followed: check the cable and the level")
        }
        EventKind::SourceLies { moved_ns } => format!(
            "{subject} says that it is locked, and its phase moved by {}: check its own reference",
            span(*moved_ns)
        ),
        EventKind::SourceSteady => format!("{subject} beats steadily"),
        EventKind::SourceTrouble => format!("{subject}: {why}"),
        EventKind::SourceWell => format!("{subject} works again"),
        EventKind::LabelJump { from, to, frames } => {
            format!("{subject} says {to} where {from} was due ({frames:+} frames); labels follow it")
        }
        EventKind::LabelJammed { from: Some(from), to } => format!("labels are set to {to} by {subject}, from {from}"),
        EventKind::LabelJammed { from: None, to } => format!("labels are set to {to} by {subject}"),
        EventKind::LabelMismatch => format!("{subject}: {why}"),
        EventKind::LabelMatched => format!("{subject} counts as the stage does"),
        EventKind::LabelLost => format!("{subject} says no labels; they are counted on"),
        EventKind::LabelRegained { lasted_ns } => format!("{subject} says labels again, after {}", span(*lasted_ns)),
        _ => subject.into(),
    }
}

fn feed(kind: &EventKind, subject: &str, why: &str) -> String {
    match kind {
        EventKind::FeedStale { silent_ns } => {
            format!("feed {subject} is silent for {}, its cameras are held; {why}", span(*silent_ns))
        }
        EventKind::FeedLost { silent_ns } => {
            format!("feed {subject} is silent for {}, its cameras are lost; {why}", span(*silent_ns))
        }
        EventKind::FeedRegained { silent_ns } => format!("feed {subject} speaks again, after {}", span(*silent_ns)),
        EventKind::FeedJump { moved_mm, turned_deg, times } => format!(
            "camera {subject} jumped by {moved_mm:.0} mm and {turned_deg:.1} degrees{}: nothing moves like that; check the tracker",
            if *times > 1 { format!(", the worst of {times} times") } else { String::new() }
        ),
        _ => subject.into(),
    }
}

fn budget(kind: &EventKind, subject: &str) -> String {
    match kind {
        EventKind::OverBudget { stage: BudgetItem::Margin, spent_ns, allowed_ns, by } if *spent_ns < 0 => {
            format!(
                "the frame was {} late ({} must be left); {}",
                span(spent_ns.saturating_neg()),
                span(*allowed_ns),
                blame(*by)
            )
        }
        EventKind::OverBudget { stage: BudgetItem::Margin, spent_ns, allowed_ns, by } => {
            format!("{} were left before the deadline, {} must be; {}", span(*spent_ns), span(*allowed_ns), blame(*by))
        }
        EventKind::OverBudget { stage, spent_ns, allowed_ns, by } => {
            let blamed = if *by == own(*stage) { String::new() } else { format!("; {}", blame(*by)) };
            format!("{} took {}, {} are allowed{blamed}", item(*stage, subject), span(*spent_ns), span(*allowed_ns))
        }
        EventKind::WithinBudget { stage: BudgetItem::Margin, frames, worst_ns, lasted_ns, .. } => format!(
            "there is time before the deadline again; {}{}, at worst {}",
            count(*frames, "frame had too little", "frames had too little"),
            within(*lasted_ns),
            span(*worst_ns)
        ),
        EventKind::WithinBudget { stage, frames, worst_ns, lasted_ns, .. } => format!(
            "{} keeps to its budget again; {}{}, the worst took {}",
            item(*stage, subject),
            count(*frames, "frame did not", "frames did not"),
            within(*lasted_ns),
            span(*worst_ns)
        ),
        _ => subject.into(),
    }
}

fn command(kind: &EventKind) -> String {
    match kind {
        EventKind::CommandDone { command, from, late: 0, .. } => format!("{command} ({from})"),
        EventKind::CommandDone { command, from, late, .. } => {
            format!(
                "{command} ({from}), {} after the frame it was given for: ticks were missed",
                count(*late, "frame", "frames")
            )
        }
        EventKind::CommandRefused { command, from, reason, .. } => format!("{command} ({from}) was refused: {reason}"),
        _ => String::new(),
    }
}

/// What is given up, from the fields of the event.
fn quality(kind: &EventKind) -> String {
    let (EventKind::Degraded { outer_every, outer_frozen, outer_scale, inner_scale, .. }
    | EventKind::Restored { outer_every, outer_frozen, outer_scale, inner_scale, .. }) = kind
    else {
        return String::new();
    };
    let mut parts = Vec::new();
    match (outer_frozen, outer_every) {
        (true, _) => parts.push("the outer pictures are frozen".into()),
        (false, 1) => {}
        (false, every) => parts.push(format!("the outer pictures are drawn on every {every}. frame")),
    }
    if *outer_scale < 1.0 {
        parts.push(format!("outer size {:.0} %", outer_scale * 100.0));
    }
    if *inner_scale < 1.0 {
        parts.push(format!("inner size {:.0} %", inner_scale * 100.0));
    }
    parts.join(", ")
}

fn item(item: BudgetItem, subject: &str) -> String {
    match item {
        BudgetItem::ReceiveToUse => format!("receive-to-use of camera {subject}"),
        BudgetItem::PoseAge => format!("the pose age of camera {subject}"),
        BudgetItem::Margin => "the margin".into(),
        BudgetItem::Latch => "latch".into(),
        BudgetItem::Simulate => "simulate".into(),
        BudgetItem::Solve => "solve".into(),
        BudgetItem::Render => "render".into(),
        BudgetItem::Compose => "compose".into(),
        BudgetItem::Present => "present".into(),
    }
}

/// The spender that goes without saying.
fn own(item: BudgetItem) -> Spender {
    match item {
        BudgetItem::ReceiveToUse => Spender::Feed,
        BudgetItem::PoseAge => Spender::Tracker,
        BudgetItem::Margin | BudgetItem::Render => Spender::Render,
        BudgetItem::Latch => Spender::Latch,
        BudgetItem::Simulate => Spender::Simulate,
        BudgetItem::Solve => Spender::Solve,
        BudgetItem::Compose => Spender::Compose,
        BudgetItem::Present => Spender::Present,
    }
}

fn blame(by: Spender) -> &'static str {
    match by {
        Spender::Tracker => "most of it in the tracker and its network",
        Spender::Feed => "most of it waiting for a newer sample",
        Spender::Wake => "the machine began the frame late",
        Spender::Latch => "latch took the most",
        Spender::Simulate => "simulate took the most",
        Spender::Solve => "solve took the most",
        Spender::Render => "render took the most",
        Spender::Compose => "compose took the most",
        Spender::Present => "present took the most",
        Spender::Display => "most of it from here to the light: frame, processor and panel",
    }
}

fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// " in 1.8 s"; nothing for what happened at one instant.
fn within(nanos: i64) -> String {
    if nanos > 0 { format!(" in {}", span(nanos)) } else { String::new() }
}

/// A duration with a unit that suits it.
fn span(nanos: i64) -> String {
    let seconds = nanos as f64 * 1e-9;
    match nanos.unsigned_abs() {
        0..100_000 => format!("{:.0} us", seconds * 1e6),
        100_000..1_000_000_000 => format!("{:.1} ms", seconds * 1e3),
        1_000_000_000..120_000_000_000 => format!("{seconds:.1} s"),
        _ => format!("{:.0} min", seconds / 60.0),
    }
}
