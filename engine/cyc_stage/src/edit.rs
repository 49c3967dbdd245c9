//! Writing a measured value back into a stage file's text, and touching nothing else.
//!
//! The place is found through the spans of the parsed text, so that comments, order and layout stay as they are; the
//! result is read again, and handed out only if it means what the old text meant but for the change. Files are the
//! caller's business.

use crate::load::{ReadFile, parse};
use crate::problem::Problems;
use crate::stage::Stage;
use crate::suggest;
use std::fmt;
use std::path::Path;
use toml_span::value::{Table, Value};

/// A value to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// `delay_ms` of a feed; written in microseconds' steps.
    FeedDelay {
        /// The feed's id.
        feed: String,
        /// The whole new delay, nanoseconds, -1 s to 10 s.
        delay_nanos: i64,
    },
    /// `latency_frames` of an output.
    OutputLatency {
        /// The output's id.
        output: String,
        /// Whole frames, 0 to 120.
        frames: u32,
    },
}

/// A changed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The new text.
    pub text: String,
    /// What was changed, in the order of the edits.
    pub changes: Vec<Change>,
}

/// One change, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Line of the new text, from 1.
    pub line: usize,
    /// Whose value it is, such as `feed "trk-a"`.
    pub subject: String,
    /// The key.
    pub key: &'static str,
    /// What stood there, as it was written; `None` where the key is new.
    pub old: Option<String>,
    /// What stands there now.
    pub new: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, subject, key, old, new } = self;
        match old {
            Some(old) => write!(f, "line {line}: {subject}: {key} = {new} (was {old})"),
            None => write!(f, "line {line}: {subject}: {key} = {new} (new)"),
        }
    }
}

/// Why a text was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file has errors of its own.
    #[error("the stage file has errors; correct these first:\n{0}")]
    Stage(Problems),
    /// There is no such feed or output.
    #[error("there is no {kind} {id:?}; {help}")]
    Unknown {
        /// "feed" or "output".
        kind: &'static str,
        /// What was named.
        id: String,
        /// Which there are.
        help: String,
    },
    /// The new value is outside what the key takes.
    #[error("{subject}: {key} would be {value}, but must be {range}")]
    Range {
        /// Whose value it is.
        subject: String,
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What the key takes.
        range: &'static str,
    },
    /// The text is written in a way that leaves no safe place.
    #[error("{subject}: cannot change {key} without touching something else; write {key} = {value} there yourself")]
    Place {
        /// Whose value it is.
        subject: String,
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
    },
}

/// `text` with the edits made, one after the other; `path` and `read` as for [`parse`].
///
/// # Errors
/// A text that is no stage, a name that is not in it, a value out of range, or a place that cannot be changed alone.
pub fn edited(text: &str, path: &Path, read: ReadFile<'_>, edits: &[Edit]) -> Result<Edited, EditError> {
    let mut stage = parse(text, path, read).map_err(EditError::Stage)?.stage;
    let mut edited = Edited { text: text.to_owned(), changes: Vec::new() };
    for edit in edits {
        let target = Target::of(edit, &stage)?;
        target.set(&mut stage);
        let (next, change) = target.write(&edited.text).ok_or_else(|| target.no_place())?;
        // What the new text means is the judge of where it was written.
        let read_again = parse(&next, path, read).map_err(|_| target.no_place())?;
        if read_again.stage != stage {
            return Err(target.no_place());
        }
        edited.text = next;
        edited.changes.push(change);
    }
    Ok(edited)
}

/// An edit whose thing was found.
struct Target {
    list: &'static str,
    index: usize,
    id: String,
    key: &'static str,
    value: String,
    edit: Edit,
}

impl Target {
    fn of(edit: &Edit, stage: &Stage) -> Result<Self, EditError> {
        let (list, id, ids): (_, _, Vec<&str>) = match edit {
            Edit::FeedDelay { feed, .. } => ("feed", feed, stage.feeds.iter().map(|feed| feed.id.as_str()).collect()),
            Edit::OutputLatency { output, .. } => {
                ("output", output, stage.outputs.iter().map(|output| output.id.as_str()).collect())
            }
        };
        let Some(index) = ids.iter().position(|known| known == id) else {
            let help = suggest::help(id, &ids, &format!("{list}s"));
            return Err(EditError::Unknown { kind: list, id: id.clone(), help });
        };
        let (key, value, edit) = match edit {
            Edit::FeedDelay { feed, delay_nanos } => {
                let micros = (*delay_nanos as f64 * 1e-3).round() as i64;
                let edit = Edit::FeedDelay { feed: feed.clone(), delay_nanos: micros.saturating_mul(1000) };
                ("delay_ms", milliseconds(micros), edit)
            }
            Edit::OutputLatency { frames, .. } => ("latency_frames", frames.to_string(), edit.clone()),
        };
        let target = Self { list, index, id: id.clone(), key, value, edit };
        target.check_range().map(|()| target)
    }

    fn check_range(&self) -> Result<(), EditError> {
        let (fine, range) = match self.edit {
            Edit::FeedDelay { delay_nanos, .. } => {
                ((-1_000_000_000..=10_000_000_000).contains(&delay_nanos), "from -1000 to 10000 ms")
            }
            Edit::OutputLatency { frames, .. } => (frames <= 120, "from 0 to 120 frames"),
        };
        let (subject, key, value) = (self.subject(), self.key, self.value.clone());
        if fine { Ok(()) } else { Err(EditError::Range { subject, key, value, range }) }
    }

    fn subject(&self) -> String {
        format!("{} {:?}", self.list, self.id)
    }

    fn no_place(&self) -> EditError {
        EditError::Place { subject: self.subject(), key: self.key, value: self.value.clone() }
    }

    /// Makes the change in what the text should mean.
    fn set(&self, stage: &mut Stage) {
        match &self.edit {
            Edit::FeedDelay { delay_nanos, .. } => stage.feeds[self.index].delay_nanos = *delay_nanos,
            Edit::OutputLatency { frames, .. } => stage.outputs[self.index].latency_frames = *frames,
        }
    }

    /// The changed text; `None` where there is no place for it.
    fn write(&self, text: &str) -> Option<(String, Change)> {
        let root = toml_span::parse(text).ok()?;
        let table = root.as_table()?.get(self.list)?.as_array()?.get(self.index)?;
        let (place, new) = match existing(table.as_table()?, self.key) {
            Some(value) => (value.span.start..value.span.end, self.value.clone()),
            None => {
                let (at, before, after) = room(text, table)?;
                (at..at, format!("{before}{} = {}{after}", self.key, self.value))
            }
        };
        let old = Some(text.get(place.clone())?.to_owned()).filter(|old| !old.is_empty());
        let text = format!("{}{new}{}", text.get(..place.start)?, text.get(place.end..)?);
        let line = text[..place.start].matches('\n').count() + 1;
        let change = Change { line, subject: self.subject(), key: self.key, old, new: self.value.clone() };
        Some((text, change))
    }
}

/// The value that is there already; an output's latency may also stand in its `signal`.
fn existing<'v>(table: &'v Table<'v>, key: &str) -> Option<&'v Value<'v>> {
    table.get(key).or_else(|| table.get("signal")?.as_table()?.get(key))
}

/// Where a new key of a table goes, and what stands around it: on a line of its own under the header, or first
/// between the braces.
fn room(text: &str, table: &Value<'_>) -> Option<(usize, String, String)> {
    let start = table.span.start;
    let from_here = text.get(start..)?;
    if from_here.starts_with('{') {
        return Some((start + 1, " ".into(), ",".into()));
    }
    if !from_here.starts_with('[') {
        return None;
    }
    let line = from_here.find('\n')? + 1;
    let (header, below) = from_here.split_at(line);
    let (at, line_end) = (start + line, if header.ends_with("\r\n") { "\r\n" } else { "\n" });
    // As far in as the line below, which is one of the table's own.
    let indent: String = below.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    Some((at, indent, line_end.into()))
}

/// Microseconds as milliseconds, with no more digits than it takes, and at least one.
fn milliseconds(micros: i64) -> String {
    let text = format!("{}{}.{:03}", if micros < 0 { "-" } else { "" }, micros.abs() / 1000, micros.abs() % 1000);
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.into() }
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn milliseconds_have_no_needless_digits() {
        let texts = [8_000, 8_250, 12_345, -1_500, -400, 0, 10].map(milliseconds);
        assert_eq!(texts, ["8.0", "8.25", "12.345", "-1.5", "-0.4", "0.0", "0.01"]);
    }
}
