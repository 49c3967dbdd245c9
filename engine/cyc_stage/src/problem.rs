//! One thing wrong in a stage file, and the report that holds all of them.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::fmt;
use std::ops::Range;

/// A byte range of the stage file's text.
pub type Span = Range<usize>;

macro_rules! codes {
    ($($name:ident = $code:literal, $severity:ident, $what:literal;)*) => {
        /// What kind of thing is wrong; the number is a promise, so that it can be looked up and filtered by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $what] $name,)* }

        impl Code {
            /// Every code, in order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as it is printed: `S` and a number for errors, `W` and a number for warnings.
            pub fn id(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// What it stands for, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $what,)* }
            }

            /// Whether it keeps the stage from starting.
            pub fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity,)* }
            }
        }
    };
}

/// Whether a problem keeps the stage from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The stage does not start.
    Error,
    /// The stage starts; something is probably not as meant.
    Warning,
}

codes! {
    File = "S001", Error, "the stage file cannot be read, is too large, empty or no UTF-8 text";
    Syntax = "S002", Error, "the text is not TOML";
    UnknownKey = "S003", Error, "a key that does not exist";
    MissingKey = "S004", Error, "a required key or table is missing";
    WrongType = "S005", Error, "a value of the wrong type";
    OutOfRange = "S006", Error, "a number that is not finite or out of range";
    UnknownValue = "S007", Error, "a name that is not one of the allowed ones";
    Format = "S008", Error, "a format number this version does not read";
    DuplicateId = "S009", Error, "two things have the same id";
    BadName = "S010", Error, "an id, name or path that is empty or holds what it cannot";
    UnknownWall = "S011", Error, "a wall that does not exist";
    UnknownFeed = "S012", Error, "a feed that does not exist";
    OutsideWall = "S013", Error, "a rectangle that reaches outside its wall";
    RegionsCollide = "S014", Error, "two regions on the same pixels of an output";
    OutputSize = "S015", Error, "an output without pixels or with too many";
    Either = "S016", Error, "keys that exclude each other, or none of several of which one is needed";
    SoftEdge = "S017", Error, "a soft edge that reaches into what the camera sees";
    ArcRadius = "S018", Error, "an arc whose panels are wider than its circle";
    ArcFull = "S019", Error, "an arc of more than a full circle";
    FrameRate = "S020", Error, "a text that is not a frame rate";
    Address = "S021", Error, "an address that cannot be listened on";
    SharedPort = "S022", Error, "two users of one port, device or file that get in each other's way";
    Profile = "S023", Error, "a device profile that does not exist or fit";
    Loss = "S024", Error, "a loss policy that predicts longer than it holds";
    MeshFile = "S025", Error, "a mesh file that is missing or cannot be read";
    MeshUv = "S026", Error, "a mesh without texture coordinates";
    MeshUvRange = "S027", Error, "texture coordinates outside 0..1, or overlapping";
    MeshShape = "S028", Error, "a mesh without area or with numbers that are none";
    LensFile = "S029", Error, "lens files, which are not supported yet";
    Serial = "S030", Error, "a serial feed, which is not supported yet";
    Source = "S031", Error, "a genlock source, timecode source or timecode destination that does not exist";
    Protocol = "S032", Error, "a protocol that does not exist yet";
    NoLabels = "S033", Error, "timecode from a genlock source that carries none";
    Timecode = "S034", Error, "a label, or drop-frame counting, that the frame rate does not have";
    TimeOfDay = "S035", Error, "a text that is not a time of day";
    Shutter = "S036", Error, "a shutter that is open for longer than a frame, or never";
    UnusedFeed = "W001", Warning, "a feed that no camera uses";
    NoFocalLength = "W002", Warning, "a camera whose focal length nothing says";
    UnshownWall = "W003", Warning, "a wall that no output shows";
    ThinTriangles = "W004", Warning, "triangles without area were left out of a mesh";
    NoEffect = "W005", Warning, "a setting that has no effect";
    Budget = "W006", Warning, "a budget that does not fit into a frame";
    Torn = "W007", Warning, "an exposure with readout that is longer than a wall frame";
    ExposurePhase = "W008", Warning, "an exposure that reaches over the edge of a wall frame, and need not";
    Bands = "W009", Warning, "an exposure that is no whole number of LED refreshes";
    Beating = "W010", Warning, "a camera whose rate does not fit the stage's";
}

/// One thing wrong in a stage file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing.
    pub code: Code,
    /// Where, in bytes of the text.
    pub span: Span,
    /// What is wrong, in one line.
    pub message: String,
    /// What is printed under the place; may be empty.
    pub label: String,
    /// What to do, each in one line.
    pub help: Vec<String>,
    /// Other places that belong to it, such as the first of two equal ids.
    pub also: Vec<(Span, String)>,
}

impl Problem {
    /// A problem at `span` that says `message`.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let (label, help, also) = (String::new(), Vec::new(), Vec::new());
        Self { code, span, message: message.into(), label, help, also }
    }

    /// Adds what is printed under the place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds a line of help.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds another place.
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.also.push((span, label.into()));
        self
    }
}

/// Everything that is wrong in one stage file, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems {
    /// The file's path, as the user named it.
    pub path: String,
    /// Its text, for the excerpts; empty where it could not be read.
    pub source: String,
    /// The problems, sorted by place.
    pub list: Vec<Problem>,
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl Problems {
    /// True if the stage cannot start.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|problem| problem.code.severity() == Severity::Error)
    }

    /// Number of errors and number of warnings.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.list.iter().filter(|problem| problem.code.severity() == Severity::Error).count();
        (errors, self.list.len() - errors)
    }

    /// Line and column of a problem, both from 1; the column counts characters.
    pub fn line_column(&self, problem: &Problem) -> (usize, usize) {
        let at = self.floor(problem.span.start);
        let before = &self.source[..at];
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        (before.matches('\n').count() + 1, self.source[start..at].chars().count() + 1)
    }

    /// All problems for people: message, `PATH:LINE:COLUMN`, excerpt and help, separated by empty lines.
    /// With `colour` it holds ANSI escapes for a terminal.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let lines = Lines::of(&self.source);
        let blocks: Vec<String> = self.list.iter().map(|problem| self.render_one(problem, &lines, &renderer)).collect();
        blocks.join("\n\n")
    }

    fn render_one(&self, problem: &Problem, lines: &Lines, renderer: &Renderer) -> String {
        let level = match problem.code.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let (window, first_line) = self.window(problem, lines);
        // A carriage return would be drawn as a picture of itself.
        let text = self.source[window.clone()].replace('\r', " ");
        let snippet = Snippet::source(text)
            .line_start(first_line)
            .path(self.path.as_str())
            .annotation(AnnotationKind::Primary.span(self.inside(&problem.span, &window)).label(problem.label.as_str()))
            .annotations(
                problem.also.iter().map(|(span, label)| {
                    AnnotationKind::Context.span(self.inside(span, &window)).label(label.as_str())
                }),
            );
        let group = level.primary_title(problem.message.as_str()).id(problem.code.id()).element(snippet);
        let group = group.elements(problem.help.iter().map(|help| Level::HELP.message(help.as_str())));
        renderer.render(&[group])
    }

    /// The whole lines that hold the problem's places, and the number of the first.
    fn window(&self, problem: &Problem, lines: &Lines) -> (Span, usize) {
        let spans = || problem.also.iter().map(|(span, _)| span).chain([&problem.span]);
        let start = spans().map(|span| span.start).min().unwrap_or(0);
        let end = spans().map(|span| span.end).max().unwrap_or(0);
        let (start, number) = lines.of_place(self.floor(start));
        let end = self.floor(end).max(start);
        let end = self.source[end..].find('\n').map_or(self.source.len(), |n| end + n);
        (start..end, number)
    }

    /// `span` counted from the start of `window`, on character boundaries.
    fn inside(&self, span: &Span, window: &Span) -> Span {
        let start = self.floor(span.start).clamp(window.start, window.end);
        let end = self.floor(span.end).clamp(start, window.end);
        start - window.start..end - window.start
    }

    /// The nearest character boundary at or before `at`.
    fn floor(&self, at: usize) -> usize {
        self.source.floor_char_boundary(at)
    }
}

/// Where each line starts.
struct Lines(Vec<usize>);

impl Lines {
    fn of(source: &str) -> Self {
        Self([0].into_iter().chain(source.match_indices('\n').map(|(n, _)| n + 1)).collect())
    }

    /// The start and the number, from 1, of the line that holds a place.
    fn of_place(&self, at: usize) -> (usize, usize) {
        let number = self.0.partition_point(|start| *start <= at).max(1);
        (self.0.get(number - 1).copied().unwrap_or(0), number)
    }
}
