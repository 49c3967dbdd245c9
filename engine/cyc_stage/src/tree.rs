//! Reading the spanned TOML tree: every look-up knows where it is, and nothing stops at the first problem.
//!
//! A [`Table`] remembers which keys it was asked for; when it goes out of scope it reports the keys that
//! nobody asked for. So the keys that exist are exactly the keys that are read, and no list can drift.

use crate::problem::{Code, Problem, Span};
use crate::suggest;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use toml_span::value::{Table as TomlTable, Value};

/// Which keys each kind of table was asked for, by a path such as `wall.shape.arc`.
pub(crate) type Asked = BTreeMap<String, BTreeSet<&'static str>>;

/// One file being read: its text and what is wrong so far.
#[derive(Default)]
pub(crate) struct Sheet<'s> {
    text: &'s str,
    problems: RefCell<Vec<Problem>>,
    asked: RefCell<Asked>,
}

impl<'s> Sheet<'s> {
    pub(crate) fn new(text: &'s str) -> Self {
        Self { text, ..Self::default() }
    }

    pub(crate) fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Hands out what was found, in the order of the text.
    pub(crate) fn into_parts(self) -> (Vec<Problem>, Asked) {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.span.start, problem.code));
        (problems, self.asked.into_inner())
    }

    /// A span of toml-span, with the quotes of a string and without what follows the first line.
    pub(crate) fn span(&self, span: toml_span::Span) -> Span {
        let (start, end) = (span.start.min(self.text.len()), span.end.min(self.text.len()));
        let quoted = |at: usize| self.text.as_bytes().get(at).is_some_and(|b| matches!(b, b'"' | b'\''));
        let (start, end) = if start > 0 && quoted(start - 1) && quoted(end) && !quoted(start) {
            (start - 1, end + 1)
        } else if end <= start + 1 && quoted(start) && quoted(start + 1) {
            (start, start + 2)
        } else {
            (start, end.max(start))
        };
        let line_end = self.text.get(start..end).and_then(|text| text.find(['\n', '\r'])).map_or(end, |n| start + n);
        start..line_end
    }
}

/// A table of the file.
pub(crate) struct Table<'s> {
    sheet: &'s Sheet<'s>,
    table: &'s TomlTable<'s>,
    /// Its kind, such as `wall.panel`.
    at: String,
    /// Whose it is, such as `wall "main"`; empty for the whole file.
    subject: RefCell<String>,
    /// How its keys are spelled from the subject, such as `panel.`.
    prefix: String,
    span: Span,
    asked: RefCell<BTreeSet<&'static str>>,
    /// Its unknown keys are reported by somebody else.
    quiet: Cell<bool>,
}

impl<'s> Table<'s> {
    /// The whole file.
    pub(crate) fn root(sheet: &'s Sheet<'s>, table: &'s TomlTable<'s>) -> Self {
        Self::new(sheet, table, "", String::new(), String::new(), 0..0)
    }

    fn new(
        sheet: &'s Sheet<'s>,
        table: &'s TomlTable<'s>,
        at: impl Into<String>,
        subject: String,
        prefix: String,
        span: Span,
    ) -> Self {
        let subject = RefCell::new(subject);
        Self { sheet, table, at: at.into(), subject, prefix, span, asked: RefCell::default(), quiet: Cell::new(false) }
    }

    pub(crate) fn sheet(&self) -> &'s Sheet<'s> {
        self.sheet
    }

    /// Its header or opening brace.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Whose it is, such as `wall "main"`.
    pub(crate) fn subject(&self) -> String {
        self.subject.borrow().clone()
    }

    /// Names the table, once its id is known.
    pub(crate) fn call(&self, subject: impl Into<String>) {
        *self.subject.borrow_mut() = subject.into();
    }

    /// True if the key is written down; asks for it.
    pub(crate) fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// The value of a key that may be absent.
    pub(crate) fn get(&self, key: &'static str) -> Option<Field<'s>> {
        self.asked.borrow_mut().insert(key);
        let (found, value) = self.table.get_key_value(key)?;
        Some(Field {
            sheet: self.sheet,
            value,
            key_span: self.sheet.span(found.span),
            at: join(&self.at, key),
            subject: self.subject(),
            path: format!("{}{key}", self.prefix),
        })
    }

    /// The value of a required key; its absence is a problem whose help is `write`.
    pub(crate) fn need(&self, key: &'static str, write: &str) -> Option<Field<'s>> {
        let field = self.get(key);
        if field.is_none() {
            let message = format!("{}{}{key} is missing", colon(&self.subject()), self.prefix);
            self.sheet.report(
                Problem::new(Code::MissingKey, self.span(), message).help(format!("write, for example, {write}")),
            );
        }
        field
    }

    /// The tables of `[[key]]`, in the order of the file.
    pub(crate) fn list(&self, key: &'static str) -> Vec<Table<'s>> {
        self.list_under(key, key)
    }

    /// The tables of `[[header]]`, whose last part is `key`, in the order of the file.
    pub(crate) fn list_under(&self, key: &'static str, header: &str) -> Vec<Table<'s>> {
        let Some(field) = self.get(key) else { return Vec::new() };
        let Some(array) = field.value.as_array() else {
            let problem = field.wrong_type(&format!("a list of tables, each under [[{header}]]"));
            // One pair of brackets is a common slip; what stands under it is read all the same.
            let single = field.value.as_table().is_some();
            let help = format!("write [[{header}]] with two brackets, once for each {key}");
            self.sheet.report(if single { problem.help(help) } else { problem });
            return if single { field.table_named(format!("{header} 1")).into_iter().collect() } else { Vec::new() };
        };
        let tables = array.iter().enumerate();
        tables.filter_map(|(n, value)| field.item(n, value).table_named(format!("{header} {}", n + 1))).collect()
    }

    fn report_unknown_keys(&self) {
        let asked = self.asked.borrow();
        let known: Vec<&str> = asked.iter().copied().collect();
        let unknown = self.table.keys().filter(|key| !asked.contains(key.name.as_ref()));
        for key in unknown {
            let whose = if self.at.is_empty() { "a stage file".into() } else { self.subject() };
            let path = format!("{}{}", self.prefix, key.name.escape_debug());
            let problem =
                Problem::new(Code::UnknownKey, self.sheet.span(key.span), format!("{whose} has no key `{path}`"));
            self.sheet.report(problem.label("not known here").help(suggest::help(&key.name, &known, "keys here")));
        }
    }
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        if !self.quiet.get() {
            self.report_unknown_keys();
        }
        let asked = std::mem::take(&mut *self.asked.borrow_mut());
        self.sheet.asked.borrow_mut().entry(self.at.clone()).or_default().extend(asked);
    }
}

fn join(at: &str, key: &str) -> String {
    if at.is_empty() { key.into() } else { format!("{at}.{key}") }
}

fn colon(subject: &str) -> String {
    if subject.is_empty() { String::new() } else { format!("{subject}: ") }
}

/// Which numbers a key takes.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    min: f64,
    max: f64,
    above: bool,
    unit: &'static str,
}

/// From `min` to `max`, both included.
pub(crate) const fn from_to(min: f64, max: f64, unit: &'static str) -> Bounds {
    Bounds { min, max, above: false, unit }
}

/// Above `min`, up to `max`.
pub(crate) const fn above_to(min: f64, max: f64, unit: &'static str) -> Bounds {
    Bounds { min, max, above: true, unit }
}

impl Bounds {
    fn holds(&self, x: f64) -> bool {
        x.is_finite() && x <= self.max && if self.above { x > self.min } else { x >= self.min }
    }
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let gap = if self.unit.is_empty() { "" } else { " " };
        let (how, and) = if self.above { ("above", "and at most") } else { ("from", "to") };
        write!(f, "must be {how} {} {and} {}{gap}{}", self.min, self.max, self.unit)
    }
}

/// A value with its place.
pub(crate) struct Field<'s> {
    sheet: &'s Sheet<'s>,
    value: &'s Value<'s>,
    key_span: Span,
    at: String,
    subject: String,
    path: String,
}

impl<'s> Field<'s> {
    /// The value's place.
    pub(crate) fn span(&self) -> Span {
        self.sheet.span(self.value.span)
    }

    /// `wall "main": panel.pitch_mm`, the start of a message about it.
    pub(crate) fn name(&self) -> String {
        format!("{}{}", colon(&self.subject), self.path)
    }

    /// Whose it is.
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    /// A problem at the value.
    pub(crate) fn problem(&self, code: Code, message: impl Into<String>) -> Problem {
        Problem::new(code, self.span(), message)
    }

    pub(crate) fn report(&self, problem: Problem) {
        self.sheet.report(problem);
    }

    fn kind(&self) -> &'static str {
        match self.value.as_ref().type_str() {
            "string" => "a text",
            "integer" => "a whole number",
            "float" => "a number with a point",
            "boolean" => "true or false",
            "array" => "a list",
            _ => "a table",
        }
    }

    fn wrong_type(&self, wanted: &str) -> Problem {
        let message = format!("{} must be {wanted}, but is {}", self.name(), self.kind());
        self.problem(Code::WrongType, message).label(format!("must be {wanted}"))
    }

    fn item(&self, n: usize, value: &'s Value<'s>) -> Field<'s> {
        let (at, subject, path) = (self.at.clone(), self.subject.clone(), format!("{}[{n}]", self.path));
        Field { sheet: self.sheet, value, key_span: self.key_span.clone(), at, subject, path }
    }

    /// Raw access, for values of several types.
    pub(crate) fn value(&self) -> &'s Value<'s> {
        self.value
    }

    /// A number within bounds; whole numbers count.
    pub(crate) fn number(&self, bounds: Bounds) -> Option<f64> {
        let Some(x) = self.value.as_float().or(self.value.as_integer().map(|n| n as f64)) else {
            let problem = self.wrong_type("a number");
            let text = self.value.as_str().filter(|text| text.parse::<f64>().is_ok());
            self.report(match text {
                Some(text) => problem.help(format!("write {text} without quotes")),
                None => problem,
            });
            return None;
        };
        self.check(bounds, x).then_some(x)
    }

    fn check(&self, bounds: Bounds, x: f64) -> bool {
        let fine = bounds.holds(x);
        if !fine {
            let message = format!("{} is {x}, but {bounds}", self.name());
            self.report(self.problem(Code::OutOfRange, message).label(bounds.to_string()));
        }
        fine
    }

    /// A whole number within bounds.
    pub(crate) fn whole(&self, min: i64, max: i64, unit: &'static str) -> Option<i64> {
        let Some(n) = self.value.as_integer() else {
            let problem = self.wrong_type("a whole number");
            let whole = self.value.as_float().filter(|x| x.fract() == 0.0 && x.abs() < 1e15);
            self.report(match whole {
                Some(x) => problem.help(format!("write {x:.0}")),
                None => problem,
            });
            return None;
        };
        let bounds = from_to(min as f64, max as f64, unit);
        if (min..=max).contains(&n) {
            return Some(n);
        }
        let message = format!("{} is {n}, but {bounds}", self.name());
        self.report(self.problem(Code::OutOfRange, message).label(bounds.to_string()));
        None
    }

    /// A count of pixels, panels or the like.
    pub(crate) fn count(&self, min: u32, max: u32, unit: &'static str) -> Option<u32> {
        self.whole(i64::from(min), i64::from(max), unit).and_then(|n| u32::try_from(n).ok())
    }

    /// True or false.
    pub(crate) fn flag(&self) -> Option<bool> {
        let flag = self.value.as_bool();
        if flag.is_none() {
            self.report(self.wrong_type("true or false"));
        }
        flag
    }

    /// A text.
    pub(crate) fn text(&self) -> Option<&'s str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.report(self.wrong_type("a text in quotes"));
        }
        text
    }

    /// A name that becomes part of file names and addresses.
    pub(crate) fn id(&self) -> Option<String> {
        let text = self.text()?;
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fine = !text.is_empty() && text.chars().all(allowed) && text.chars().count() <= 64;
        if !fine || text.starts_with('.') {
            let message = format!("{} is {text:?}, which cannot be an id", self.name());
            let help = "use 1 to 64 letters, digits, '-', '_' and '.', not beginning with '.'";
            self.report(self.problem(Code::BadName, message).help(help));
            return None;
        }
        Some(text.to_owned())
    }

    /// One of several words.
    pub(crate) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("{} is {text:?}, which is not one of its values", self.name());
            let problem = self.problem(Code::UnknownValue, message).help(suggest::help(text, &names, "values"));
            self.report(problem.label(format!("one of {}", suggest::listed(&names))));
        }
        found
    }

    /// A list of exactly `N` numbers.
    pub(crate) fn numbers<const N: usize>(&self, bounds: Bounds) -> Option<[f64; N]> {
        let items = self.items(N)?;
        let numbers: Vec<Option<f64>> = items.iter().map(|item| item.number(bounds)).collect();
        let numbers: Option<Vec<f64>> = numbers.into_iter().collect();
        numbers?.try_into().ok()
    }

    /// The items of a list of exactly `n`.
    pub(crate) fn items(&self, n: usize) -> Option<Vec<Field<'s>>> {
        let wanted = format!("a list of {n}");
        let Some(array) = self.value.as_array() else {
            self.report(self.wrong_type(&wanted));
            return None;
        };
        if array.len() != n {
            let message = format!("{} must be {wanted}, but has {}", self.name(), array.len());
            self.report(self.problem(Code::WrongType, message).label(format!("must be {wanted}")));
            return None;
        }
        Some(array.iter().enumerate().map(|(n, value)| self.item(n, value)).collect())
    }

    /// The items of a list of any length.
    pub(crate) fn any_items(&self) -> Option<Vec<Field<'s>>> {
        let array = self.value.as_array();
        if array.is_none() {
            self.report(self.wrong_type("a list"));
        }
        Some(array?.iter().enumerate().map(|(n, value)| self.item(n, value)).collect())
    }

    /// A table.
    pub(crate) fn table(&self) -> Option<Table<'s>> {
        let Some(table) = self.value.as_table() else {
            self.report(self.wrong_type("a table"));
            return None;
        };
        let subject = if self.subject.is_empty() { format!("[{}]", self.path) } else { self.subject.clone() };
        let prefix = if self.subject.is_empty() { String::new() } else { format!("{}.", self.path) };
        Some(Table::new(self.sheet, table, self.at.clone(), subject, prefix, self.table_span()))
    }

    fn table_named(&self, subject: String) -> Option<Table<'s>> {
        let Some(table) = self.value.as_table() else {
            self.report(self.wrong_type("a table"));
            return None;
        };
        let span = self.table_span();
        Some(Table::new(self.sheet, table, self.at.clone(), subject, String::new(), span))
    }

    /// The opening line of a table: its header, its braces or, for dotted keys, its key.
    pub(crate) fn table_span(&self) -> Span {
        let span = self.span();
        let opens = self.sheet.text.as_bytes().get(span.start).is_some_and(|b| matches!(b, b'[' | b'{'));
        if opens { span } else { self.key_span.clone() }
    }

    /// A table with exactly one key, `kinds` naming those that exist, each with something to write.
    pub(crate) fn variant(&self, kinds: &[(&'static str, &str)]) -> Option<Variant<'s>> {
        let table = self.table()?;
        let named: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
        let mut found: Vec<(&'static str, Field<'s>)> =
            kinds.iter().filter_map(|(kind, _)| Some((*kind, table.get(kind)?))).collect();
        let unknown: Vec<_> = table.table.keys().filter(|key| !named.contains(&key.name.as_ref())).collect();
        if found.len() == 1 && unknown.is_empty() {
            return found.pop().map(|(kind, field)| Variant::Known(kind, field));
        }
        if found.is_empty() && unknown.len() == 1 {
            table.quiet.set(true);
            return unknown.first().map(|key| Variant::Unknown(key.name.to_string(), self.sheet.span(key.span)));
        }
        if found.len() + unknown.len() != 1 {
            let message = format!("{} needs exactly one of {}", self.name(), suggest::listed(&named));
            let write = kinds.first().map_or("", |(_, write)| *write);
            let many = if found.len() + unknown.len() == 0 { "none is here" } else { "more than one is here" };
            let problem = Problem::new(Code::Either, self.table_span(), message).label(many);
            self.report(problem.help(format!("write, for example, {write}")));
        }
        None
    }
}

/// The one key of a table that says which kind of thing it is.
pub(crate) enum Variant<'s> {
    /// A kind that exists, and what is under it.
    Known(&'static str, Field<'s>),
    /// Any other name, and its place.
    Unknown(String, Span),
}
