//! Control messages to commands, and answers to bytes.

use cyc_core::command::Command;
use cyc_wire::osc::{Argument, Message};

/// Where everything is.
const ROOT: &str = "/cyclorama/";
/// Where answers go.
const REPLY: &str = "/cyclorama/reply";

/// What a message asks for: the command and, where it names one, the frame.
///
/// # Errors
/// What is wrong and what would be right, in words for the sender.
pub fn parse(message: &Message<'_>) -> Result<(Command, Option<u64>), String> {
    let address = std::str::from_utf8(message.address()).map_err(|_| unknown())?;
    let name = address.strip_prefix(ROOT).ok_or_else(unknown)?;
    let (name, dated) = name.strip_suffix("/at").map_or((name, false), |name| (name, true));
    let form = form(name).ok_or_else(unknown)?;
    let mut arguments = Vec::new();
    for argument in message.arguments().take(form.tags.len() + 2) {
        arguments.push(argument.map_err(|error| format!("{address} cannot be read: {error}"))?);
    }
    let wrong = || {
        let frame = if dated { ", and the frame on which it is to happen, i or h" } else { "" };
        let got = String::from_utf8_lossy(message.type_tags());
        format!("{address} takes {}{frame}; it came with \",{got}\"", form.takes)
    };
    let at_frame = if dated { Some(frame(arguments.pop().ok_or_else(wrong)?).ok_or_else(wrong)?) } else { None };
    let command = (form.command)(&arguments).ok_or_else(wrong)?;
    Ok((command, at_frame))
}

struct Form {
    /// Types of the arguments.
    tags: &'static str,
    takes: &'static str,
    command: fn(&[Argument<'_>]) -> Option<Command>,
}

fn form(name: &str) -> Option<Form> {
    let switch = |command| Form { tags: "i", takes: "an i, 0 or 1", command };
    let named = |command| Form { tags: "s", takes: "an s", command };
    Some(match name {
        "freeze" => switch(|a| Some(Command::Freeze(one(a, on)?))),
        "blackout" => switch(|a| Some(Command::Blackout(one(a, on)?))),
        "outline" => switch(|a| Some(Command::Outline(one(a, on)?))),
        "rolling" => switch(|a| Some(Command::Rolling(one(a, on)?))),
        "slate" => named(|a| Some(Command::Slate(one(a, text)?))),
        "cue" => named(|a| Some(Command::Cue(one(a, text)?))),
        "event" => named(|a| Some(Command::Event(one(a, text)?))),
        "pattern" => Form { tags: "s", takes: "an s, empty for none", command: pattern },
        "light_card" => Form { tags: "si", takes: "an s and an i, 0 or 1", command: light_card },
        _ => return None,
    })
}

fn unknown() -> String {
    "there is nothing here; there are /cyclorama/ freeze, blackout, outline, rolling (i), pattern, slate, cue, event \
     (s), light_card (si), each also with /at and a frame"
        .into()
}

fn one<T>(arguments: &[Argument<'_>], read: fn(&Argument<'_>) -> Option<T>) -> Option<T> {
    match arguments {
        [argument] => read(argument),
        _ => None,
    }
}

fn pattern(arguments: &[Argument<'_>]) -> Option<Command> {
    let name = if arguments.is_empty() { String::new() } else { one(arguments, text)? };
    Some(Command::Pattern((!name.is_empty()).then_some(name)))
}

fn light_card(arguments: &[Argument<'_>]) -> Option<Command> {
    let [name, shown] = arguments else { return None };
    Some(Command::LightCard { name: text(name)?, on: on(shown)? })
}

/// Control surfaces send 0.0 and 1.0 for their buttons, some of them T and F.
fn on(argument: &Argument<'_>) -> Option<bool> {
    match argument {
        Argument::Integer(number) => Some(*number != 0),
        Argument::Number(number) => Some(*number != 0.0),
        Argument::Other(b'T') => Some(true),
        Argument::Other(b'F') => Some(false),
        _ => None,
    }
}

fn text(argument: &Argument<'_>) -> Option<String> {
    match argument {
        Argument::Text(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
        _ => None,
    }
}

/// Not a float: 32 bits of it count to 16,777,216 only, a week of frames.
fn frame(argument: Argument<'_>) -> Option<u64> {
    match argument {
        Argument::Integer(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

/// An answer: `/cyclorama/reply ,sihs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The address that is answered.
    pub address: &'a str,
    /// Whether it happened or will.
    pub done: bool,
    /// On which frame; -1 in the message if on none.
    pub frame: Option<u64>,
    /// "done", "scheduled", or why not.
    pub text: &'a str,
}

impl Reply<'_> {
    /// As a datagram (OSC 1.0: strings end with a NUL and fill up four bytes, numbers are big-endian).
    pub fn emit(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.address.len() + self.text.len());
        put(&mut bytes, REPLY);
        put(&mut bytes, ",sihs");
        put(&mut bytes, self.address);
        bytes.extend(i32::from(self.done).to_be_bytes());
        let frame = self.frame.map_or(-1, |frame| i64::try_from(frame).unwrap_or(i64::MAX));
        bytes.extend(frame.to_be_bytes());
        put(&mut bytes, self.text);
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, text: &str) {
    // A NUL inside would end the string.
    bytes.extend(text.bytes().filter(|byte| *byte != 0));
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}
