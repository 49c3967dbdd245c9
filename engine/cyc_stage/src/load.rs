//! From text to stage. Each section of the file is read by its own module; nothing stops at a problem.

mod address;
mod beat;
mod cameras;
mod exposures;
mod feeds;
mod frame;
mod outputs;
mod profiles;
mod sharing;
mod sources;
mod walls;

use crate::problem::{Code, Problem, Problems, Span};
use crate::stage::{Feed, Stage};
use crate::suggest;
use crate::tree::{Asked, Bounds, Field, Sheet, Table, from_to};
use crate::upgrade;
use cyc_core::{Pose, Rate};
use nalgebra::Point3;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The largest stage file that is read.
pub const MAX_STAGE_BYTES: usize = 4 << 20;
/// The largest mesh file that is read.
pub const MAX_MESH_BYTES: usize = 256 << 20;

/// How files are read: the whole file, or at most [`MAX_MESH_BYTES`] + 1 bytes of it.
pub type ReadFile<'r> = &'r dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// A stage without errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The stage.
    pub stage: Stage,
    /// What is probably not as meant, with the file's path and text; its list may be empty.
    pub warnings: Problems,
}

/// Reads a stage file and the files it names.
///
/// Errors: everything that is wrong with it, warnings included.
pub fn load(path: &Path, read: ReadFile<'_>) -> Result<Loaded, Problems> {
    parse(&read_text(path, read)?, path, read)
}

/// Reads a stage from its text; `path` is named in messages, and files named in the text lie next to it.
///
/// Errors: everything that is wrong with it, warnings included.
pub fn parse(text: &str, path: &Path, read: ReadFile<'_>) -> Result<Loaded, Problems> {
    let (stage, list, _) = parse_tree(text, path, read);
    let problems = Problems { path: path.display().to_string(), source: text.to_owned(), list };
    match stage {
        Some(stage) if !problems.has_errors() => Ok(Loaded { stage, warnings: problems }),
        _ => Err(problems),
    }
}

const MINIMAL: &str = "the smallest stage file is stage-configs/minimal.toml";

fn read_text(path: &Path, read: ReadFile<'_>) -> Result<String, Problems> {
    let refuse = |problem: Problem, source: String| {
        let list = vec![problem];
        Err(Problems { path: path.display().to_string(), source, list })
    };
    let problem = |message: String| Problem::new(Code::File, 0..0, message).help(MINIMAL);
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(error) => return refuse(problem(format!("the stage file cannot be read: {error}")), String::new()),
    };
    if bytes.len() > MAX_STAGE_BYTES {
        let message = format!("the stage file is larger than {} MiB, so it is something else", MAX_STAGE_BYTES >> 20);
        return refuse(problem(message), String::new());
    }
    String::from_utf8(bytes).or_else(|error| {
        let at = error.utf8_error().valid_up_to();
        let problem = Problem::new(Code::File, at..at + 1, "the stage file is not UTF-8 text")
            .label("the first byte that is no text")
            .help("save the file as UTF-8");
        refuse(problem, String::from_utf8_lossy(error.as_bytes()).into_owned())
    })
}

/// As [`parse`], and which keys were asked for.
pub(crate) fn parse_tree(text: &str, path: &Path, read: ReadFile<'_>) -> (Option<Stage>, Vec<Problem>, Asked) {
    let sheet = Sheet::new(text);
    let stage = tree_of(&sheet, text).and_then(|mut root| {
        if !upgrade::to_newest(&sheet, &mut root) {
            return None;
        }
        let files = Files { folder: path.parent().unwrap_or(Path::new("")).to_owned(), read };
        read_stage(&Table::root(&sheet, root.as_table()?), &files)
    });
    let (problems, asked) = sheet.into_parts();
    (stage, problems, asked)
}

/// The tree, or a report of why there is none.
fn tree_of<'s>(sheet: &Sheet<'s>, text: &'s str) -> Option<toml_span::Value<'s>> {
    let root = toml_span::parse(text);
    match root {
        Ok(root) if root.as_table().is_some_and(|table| table.is_empty()) => {
            sheet.report(Problem::new(Code::File, 0..0, "the stage file is empty").help(MINIMAL));
            None
        }
        Ok(root) => Some(root),
        Err(error) => {
            sheet.report(syntax_problem(sheet, &error));
            None
        }
    }
}

fn syntax_problem(sheet: &Sheet<'_>, error: &toml_span::Error) -> Problem {
    use toml_span::ErrorKind;
    // toml-span's text for this one asks a question that the help answers.
    let what = match &error.kind {
        ErrorKind::UnquotedString => "a value that is no number, list, table, true, false or quoted text".into(),
        _ => error.to_string(),
    };
    let problem = Problem::new(Code::Syntax, sheet.span(error.span), format!("this is not TOML: {what}"));
    match &error.kind {
        ErrorKind::UnquotedString => problem.help("texts stand in quotes: \"like this\""),
        ErrorKind::DuplicateKey { first, .. } | ErrorKind::DuplicateTable { first, .. } => problem
            .label("written again here")
            .also(sheet.span(*first), "first written here")
            .help("keep one; several walls, feeds, cameras or outputs are written as [[wall]], with two brackets"),
        ErrorKind::InvalidNumber => problem.help("numbers are written like 1, -2 or 3.5, without a unit"),
        _ => problem,
    }
}

/// The files that a stage file names.
pub(crate) struct Files<'r> {
    folder: PathBuf,
    read: ReadFile<'r>,
}

impl Files<'_> {
    /// A file by its name in the stage file.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        (self.read)(&self.path(name))
    }
}

/// A thing with an id, of which something may be wrong.
pub(crate) struct Entry<T> {
    id: Option<String>,
    span: Span,
    /// Where single keys of it stand, for what is checked once everything is read.
    places: Places,
    value: Option<T>,
}

/// Places of keys by their names.
type Places = BTreeMap<&'static str, Span>;

impl<T> Entry<T> {
    /// A thing that there is only one of, and so has no id.
    fn of(span: Span, value: Option<T>) -> Self {
        Self { id: None, span, places: Places::new(), value }
    }

    /// Where the first of `keys` stands that is written down; else the thing itself.
    fn place(&self, keys: &[&str]) -> Span {
        keys.iter().find_map(|key| self.places.get(key)).unwrap_or(&self.span).clone()
    }

    fn all(entries: Vec<Entry<T>>) -> Option<Vec<T>> {
        entries.into_iter().map(|entry| entry.value).collect()
    }

    fn ids(entries: &[Entry<T>]) -> Vec<&str> {
        entries.iter().filter_map(|entry| entry.id.as_deref()).collect()
    }

    /// The place of the thing that `field` names; else a report under `code`.
    fn find(entries: &[Entry<T>], field: &Field<'_>, code: Code, kind: &str, verb: &str) -> Option<usize> {
        let id = field.text()?;
        let found = entries.iter().position(|entry| entry.id.as_deref() == Some(id));
        if found.is_none() {
            let message = format!("{} {verb} {kind} {id:?}, which does not exist", field.subject());
            let help = suggest::help(id, &Self::ids(entries), &format!("{kind}s"));
            field.report(field.problem(code, message).label(format!("no [[{kind}]] has this id")).help(help));
        }
        found
    }
}

/// Reads the id of a `[[wall]]`, `[[feed]]` or `[[camera]]` and names the table after it.
fn entry_id(table: &Table<'_>, kind: &str) -> (Option<String>, Span) {
    let field = table.need("id", &format!("id = \"{kind}-1\""));
    let id = field.as_ref().and_then(Field::id);
    if let Some(id) = &id {
        table.call(format!("{kind} {id:?}"));
    }
    (id, field.map_or(table.span(), |field| field.span()))
}

/// Reports ids that were used before.
fn check_unique<T>(sheet: &Sheet<'_>, kind: &str, entries: &[Entry<T>], help: &str) {
    let mut seen = BTreeMap::new();
    for Entry { id, span, .. } in entries {
        let Some(id) = id else { continue };
        if let Some(first) = seen.get(id) {
            let message = format!("two {kind}s have the id {id:?}");
            let problem = Problem::new(Code::DuplicateId, span.clone(), message).label("used again here");
            sheet.report(problem.also(Span::clone(first), "first used here").help(help));
        } else {
            seen.insert(id, span.clone());
        }
    }
}

fn read_stage(root: &Table<'_>, files: &Files<'_>) -> Option<Stage> {
    let format = root.need("format", "format = 1").and_then(|f| f.whole(1, upgrade::FORMAT, ""));
    let name = root.need("name", "name = \"my stage\"").and_then(|f| stage_name(&f));
    let frame_rate = root.need("frame_rate", "frame_rate = \"24\"").and_then(|f| rate(&f));
    let eye_point_m = root.get("eye_point_m").and_then(|f| f.numbers(POSITION_M)).unwrap_or([0.0, 0.0, 1.6]);
    let genlock = beat::genlock(root, files);
    let timecode = beat::timecode(root, frame_rate, &genlock, files);
    let pacer = frame::pacer(root);
    let budget = frame::budget(root, frame_rate);
    let control = frame::control(root);
    let latency = frame::latency(root);

    let walls: Vec<_> = root.list("wall").iter().map(|t| walls::wall(t, files)).collect();
    let feeds: Vec<Entry<Feed>> = root.list("feed").iter().map(feeds::feed).collect();
    let cameras: Vec<_> = root.list("camera").iter().map(|t| cameras::camera(t, &feeds, frame_rate)).collect();
    let outputs: Vec<_> = root.list("output").iter().map(|t| outputs::output(t, &walls)).collect();

    let sheet = root.sheet();
    let none = root.get("wall").is_none_or(|f| f.value().as_array().is_some_and(|list| list.is_empty()));
    if none {
        let problem = Problem::new(Code::MissingKey, root.span(), "the stage has no wall");
        sheet.report(problem.help("write at least one [[wall]]"));
    }
    let another = "give each its own";
    check_unique(sheet, "wall", &walls, another);
    check_unique(sheet, "feed", &feeds, another);
    check_unique(sheet, "camera", &cameras, another);
    check_unique(sheet, "output", &outputs, "an output without an id is called <node>-<wall>; write id = \"...\"");
    sharing::check(sheet, &feeds, &genlock, &timecode, &control);
    exposures::check(sheet, frame_rate, &cameras, &walls);
    frame::warn_exposure_true(root, &latency, &cameras);
    warn(sheet, &walls, &feeds, &cameras, &outputs);

    let _ = format?;
    Some(Stage {
        name: name?,
        frame_rate: frame_rate?,
        eye_point_m: Point3::from(eye_point_m),
        genlock: genlock.value?,
        timecode: timecode.plan()?,
        pacer: pacer?,
        budget: budget?,
        control: control.value?,
        latency: latency.value?,
        walls: Some(walls).filter(|walls| !walls.is_empty()).and_then(Entry::all)?,
        feeds: Entry::all(feeds)?,
        cameras: Entry::all(cameras)?,
        outputs: Entry::all(outputs)?,
    })
}

fn stage_name(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    if text.trim().is_empty() || text.chars().count() > 200 || text.chars().any(char::is_control) {
        let message = format!("name is {text:?}, which is no name");
        field.report(field.problem(Code::BadName, message).help("use 1 to 200 printable characters"));
        return None;
    }
    Some(text.to_owned())
}

/// A frame rate as text.
fn rate(field: &Field<'_>) -> Option<Rate> {
    let value = field.value();
    let number = value.as_float().or(value.as_integer().map(|n| n as f64));
    let text = match number {
        Some(number) => number.to_string(),
        None => field.text()?.to_owned(),
    };
    let parsed = text.parse::<Rate>();
    if let (Ok(rate), None) = (&parsed, number) {
        return Some(*rate);
    }
    let message = format!("{} is {text:?}, which is not a frame rate", field.name());
    let message = if number.is_some() { format!("{} must be a text in quotes", field.name()) } else { message };
    let help = match nearest_rate(&text) {
        Some(rate) => format!("write {:?}", rate.to_string()),
        None => "write a whole number or a fraction from 1 to 1000, such as \"24\" or \"24000/1001\"".into(),
    };
    field.report(field.problem(Code::FrameRate, message).help(help));
    None
}

/// What "23.976" and the like are meant to be.
fn nearest_rate(text: &str) -> Option<Rate> {
    let number: f64 = text.trim().parse().ok()?;
    let whole = number.ceil();
    let candidates = [(number.round(), 1.0, 1), (whole * 1000.0, 1001.0, 1001)];
    let near = candidates.into_iter().find(|(num, den, _)| (num / den - number).abs() < 0.006)?;
    Rate::new(near.0 as u32, near.2)
}

/// Coordinates of things on a stage.
pub(crate) const POSITION_M: Bounds = from_to(-10_000.0, 10_000.0, "m");

/// `position_m` and `rotation_deg` of a table.
fn pose(table: &Table<'_>) -> Pose {
    let position = table.get("position_m").and_then(|f| f.numbers(POSITION_M)).unwrap_or_default();
    let turn = table.get("rotation_deg").and_then(|f| f.table());
    let angle = |key| {
        let field = turn.as_ref().and_then(|turn| turn.get(key));
        field.and_then(|f| f.number(from_to(-360.0, 360.0, "deg"))).unwrap_or(0.0).to_radians()
    };
    Pose::from_pan_tilt_roll(Point3::from(position), angle("pan"), angle("tilt"), angle("roll"))
}

fn warn(
    sheet: &Sheet<'_>,
    walls: &[Entry<crate::stage::Wall>],
    feeds: &[Entry<Feed>],
    cameras: &[Entry<crate::stage::Camera>],
    outputs: &[Entry<crate::stage::Output>],
) {
    fn once<T>(entries: &[Entry<T>], id: &String) -> bool {
        entries.iter().filter(|entry| entry.id.as_ref() == Some(id)).count() == 1
    }
    // What is broken itself may well use it; silence is better than a wrong warning.
    if cameras.iter().all(|camera| camera.value.is_some()) {
        let used = |n| cameras.iter().any(|camera| camera.value.as_ref().is_some_and(|c| c.feed == Some(n)));
        for (_, feed) in feeds.iter().enumerate().filter(|(n, _)| !used(*n)) {
            let Some(id) = feed.id.as_ref().filter(|id| once(feeds, id)) else { continue };
            let problem = Problem::new(Code::UnusedFeed, feed.span.clone(), format!("no camera uses feed {id:?}"));
            sheet.report(problem.help(format!("write feed = {id:?} in a [[camera]], or remove the feed")));
        }
    }
    if outputs.iter().all(|output| output.value.is_some()) {
        let regions = || outputs.iter().filter_map(|output| output.value.as_ref()).flat_map(|o| &o.regions);
        for (_, wall) in walls.iter().enumerate().filter(|(n, _)| !regions().any(|region| region.wall == *n)) {
            let Some(id) = wall.id.as_ref().filter(|id| once(walls, id)) else { continue };
            let problem = Problem::new(Code::UnshownWall, wall.span.clone(), format!("no output shows wall {id:?}"));
            sheet.report(problem.help(format!("write wall = {id:?} in an [[output]]")));
        }
    }
}
