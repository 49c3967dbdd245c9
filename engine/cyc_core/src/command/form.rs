//! Commands in JSON.

use super::Command;
use serde::{Deserialize, Serialize};

/// The object: its `command` says which of the others belong to it.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    command: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl From<Command> for Form {
    fn from(command: Command) -> Self {
        let form = Form { command: command.name().into(), ..Form::default() };
        match command {
            Command::Freeze(on) | Command::Blackout(on) | Command::Outline(on) | Command::Rolling(on) => {
                Form { on: Some(on), ..form }
            }
            Command::Pattern(name) => Form { name, ..form },
            Command::Cue(name) | Command::Event(name) => Form { name: Some(name), ..form },
            Command::Slate(text) => Form { text: Some(text), ..form },
            Command::LightCard { name, on } => Form { name: Some(name), on: Some(on), ..form },
        }
    }
}

impl TryFrom<Form> for Command {
    type Error = String;

    fn try_from(mut form: Form) -> Result<Self, String> {
        let kind = std::mem::take(&mut form.command);
        let command = match kind.as_str() {
            "freeze" => Command::Freeze(on(&kind, form.on.take())?),
            "blackout" => Command::Blackout(on(&kind, form.on.take())?),
            "outline" => Command::Outline(on(&kind, form.on.take())?),
            "rolling" => Command::Rolling(on(&kind, form.on.take())?),
            "pattern" => Command::Pattern(form.name.take()),
            "slate" => Command::Slate(text(&kind, "text", form.text.take())?),
            "cue" => Command::Cue(text(&kind, "name", form.name.take())?),
            "event" => Command::Event(text(&kind, "name", form.name.take())?),
            "light_card" => {
                Command::LightCard { name: text(&kind, "name", form.name.take())?, on: on(&kind, form.on.take())? }
            }
            _ => {
                return Err(format!(
                    "there is no command {kind:?}; there are freeze, blackout, pattern, outline, rolling, slate, cue, \
                     light_card and event"
                ));
            }
        };
        let surplus = [("on", form.on.is_some()), ("name", form.name.is_some()), ("text", form.text.is_some())];
        match surplus.iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) => Err(format!("{kind} takes no {key:?}")),
            None => Ok(command),
        }
    }
}

fn on(kind: &str, on: Option<bool>) -> Result<bool, String> {
    on.ok_or_else(|| format!("{kind} needs \"on\": true or false"))
}

fn text(kind: &str, key: &str, text: Option<String>) -> Result<String, String> {
    text.ok_or_else(|| format!("{kind} needs {key:?}, a text"))
}
