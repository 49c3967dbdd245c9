//! Keeping what feeds deliver, for the measurement of delays between them.

use crate::feed::StageFeeds;
use cyc_core::{Clock, Pose, StageTime};
use std::collections::BTreeMap;

/// How often feeds are looked at: their rings hold 256 samples, which is a quarter of a second at 1 kHz.
const LOOK_NANOS: i64 = 50_000_000;

/// A pose and when it was captured, the feed's own delay already taken off.
pub type TimedPose = (StageTime, Pose);

/// Why nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No such feed.
    #[error("the stage has no feed \"{feed}\"")]
    UnknownFeed {
        /// What was asked for.
        feed: String,
    },
}

/// Records `ids` for `nanos` and returns a series for each, in the order of capture. After each look `go_on` hears how
/// many samples there are of each and may end the recording. A feed that delivers nothing has an empty series.
///
/// Poses are those of the tracked points, before any camera's mount.
///
/// # Errors
/// A feed that the stage does not have.
pub fn record(
    feeds: &StageFeeds,
    ids: &[&str],
    nanos: i64,
    clock: &dyn Clock,
    go_on: &mut dyn FnMut(&[usize]) -> bool,
) -> Result<Vec<Vec<TimedPose>>, RecordError> {
    let unknown = |id: &&&str| feeds.view(id).is_none();
    if let Some(id) = ids.iter().find(unknown) {
        return Err(RecordError::UnknownFeed { feed: (**id).to_owned() });
    }
    let from: Vec<StageTime> = ids.iter().map(|id| newest(feeds, id)).collect();
    let mut kept: Vec<BTreeMap<StageTime, Pose>> = vec![BTreeMap::new(); ids.len()];
    let start = clock.now();
    let end = start.plus_nanos(nanos.max(0));
    let mut look = start;
    while look < end {
        look = look.plus_nanos(LOOK_NANOS).min(end);
        clock.sleep_until(look);
        for ((id, from), kept) in ids.iter().zip(&from).zip(&mut kept) {
            keep(feeds, id, *from, kept);
        }
        if !go_on(&kept.iter().map(BTreeMap::len).collect::<Vec<_>>()) {
            break;
        }
    }
    Ok(kept.into_iter().map(|series| series.into_iter().collect()).collect())
}

/// When the newest sample was captured that came before the recording.
fn newest(feeds: &StageFeeds, id: &str) -> StageTime {
    feeds.view(id).and_then(|view| view.newest()).map_or(StageTime(i64::MIN), |sample| sample.capture)
}

/// Takes over what the feed's ring holds; what came out of order is found at the next look.
fn keep(feeds: &StageFeeds, id: &str, from: StageTime, kept: &mut BTreeMap<StageTime, Pose>) {
    let Some(view) = feeds.view(id) else { return };
    view.timeline.with(|timeline| {
        let samples = timeline.samples_since(from.plus_nanos(1));
        kept.extend(samples.map(|sample| (sample.capture, sample.pose)));
    });
}
