//! Older formats, and the way from each to the next.
//!
//! A stage file says `format = N`. A release that changes the meaning of a key raises [`FORMAT`], adds the step
//! from the format before to `STEPS`, and keeps a sample of it as `stage-configs/formats/N.toml`, which a test
//! loads for ever.

use crate::problem::{Code, Problem};
use crate::tree::Sheet;
use toml_span::Value;

/// The format this version writes and reads.
pub const FORMAT: i64 = 1;

/// One step: the tree of one format becomes that of the next. Spans stay, so problems keep their places.
type Step = fn(&mut Value<'_>);

/// `STEPS[n]` takes format `n + 1` to `n + 2`.
const STEPS: [Step; FORMAT as usize - 1] = [];

/// Brings the tree to the newest format; false, after a report, where nobody knows how.
pub(crate) fn to_newest(sheet: &Sheet<'_>, root: &mut Value<'_>) -> bool {
    // A missing or mistyped format is reported with the other keys; the rest is read as the newest.
    let Some((format, span)) = root.pointer("/format").and_then(|v| Some((v.as_integer()?, v.span))) else {
        return true;
    };
    let problem = |message: &str| Problem::new(Code::Format, sheet.span(span), message);
    if format > FORMAT {
        let message = format!("the file has format {format}, made by a newer Cyclorama");
        let help = format!("this version reads formats up to {FORMAT}; take a newer Cyclorama");
        sheet.report(problem(&message).label("newer than this program").help(help));
        return false;
    }
    let Some(first) = usize::try_from(format.saturating_sub(1)).ok() else {
        let message = format!("the file has format {format}, which never existed");
        sheet.report(problem(&message).help(format!("write format = {FORMAT}")));
        return false;
    };
    for step in STEPS.iter().skip(first) {
        step(root);
    }
    true
}
