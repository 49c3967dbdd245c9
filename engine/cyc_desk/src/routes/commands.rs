//! Commands: given, and what they made of the wall.

use super::Shared;
use crate::problem::Problem;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cyc_core::command::{Answer, Asked, Command, Pending, Refusal};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a waiting request looks for its answer: well under a frame.
const LOOK: Duration = Duration::from_millis(2);

/// `GET /api/v1/commands`: what the operator has done to the wall, and what can be named.
pub(super) async fn state(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let port = shared.source.commands();
    let known = port.map(|port| port.catalogue());
    Json(json!({
        "wall": shared.source.wall_state(),
        "takes_commands": port.is_some(),
        "next_frame": port.map(|port| port.next_frame()),
        "looks": known.map_or(&[][..], |known| &known.looks),
        "patterns": known.map_or(&[][..], |known| &known.patterns),
        "light_cards": known.map_or(&[][..], |known| &known.light_cards),
    }))
}

/// `POST /api/v1/commands`: gives a command; answers with the frame on which it happened or will happen.
pub(super) async fn give(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let is_json = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(is_json);
    if !is_json {
        let detail = "A command is a JSON object; say so with Content-Type: application/json.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "This is not JSON", detail));
    }
    let body = body.map_err(|error| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "This is too large for a command", error.to_string())
    })?;
    let (command, at_frame) = read(&body)
        .map_err(|detail| Problem::new(StatusCode::BAD_REQUEST, "bad-command", "This is no command", detail))?;
    let port = shared.source.commands().ok_or_else(|| {
        let detail = "The program that runs this desk drives no walls that could be commanded.";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-commands", "This desk takes no commands", detail)
    })?;
    let pending = port.ask(Asked { command, at_frame, from: "desk".into() }).map_err(refused)?;
    match answer(pending, shared.timeout).await {
        Some(Answer::Done { frame, late }) => {
            Ok(Json(json!({ "state": "done", "frame": frame, "late": late })).into_response())
        }
        Some(Answer::Scheduled { frame }) => {
            Ok((StatusCode::ACCEPTED, Json(json!({ "state": "scheduled", "frame": frame }))).into_response())
        }
        Some(Answer::Refused(refusal)) => Err(refused(refusal)),
        None => {
            let detail = "No frame began in time, so the command was taken back. Look at /api/v1/health.";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-frame", "The stage did not answer", detail))
        }
    }
}

/// The first answer. Giving up takes the command back, unless a frame has just looked at it.
async fn answer(mut pending: Pending, patience: Duration) -> Option<Answer> {
    let asked = Instant::now();
    loop {
        if let Some(answer) = pending.try_answer() {
            return Some(answer);
        }
        if asked.elapsed() > patience {
            return None;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn is_json(kind: &str) -> bool {
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn read(body: &[u8]) -> Result<(Command, Option<u64>), String> {
    let mut value: Value = serde_json::from_slice(body).map_err(|error| format!("The body is no JSON: {error}."))?;
    let object =
        value.as_object_mut().ok_or("A command is a JSON object, such as {\"command\": \"freeze\", \"on\": true}.")?;
    let at_frame = match object.remove("at_frame") {
        None | Some(Value::Null) => None,
        Some(number) => {
            Some(number.as_u64().ok_or_else(|| format!("at_frame is a frame number, 0 or more, not {number}."))?)
        }
    };
    let command = serde_json::from_value(value).map_err(|error| format!("{error}."))?;
    Ok((command, at_frame))
}

fn refused(refusal: Refusal) -> Problem {
    let (status, kind, title) = match &refusal {
        Refusal::Begun { .. } => (StatusCode::CONFLICT, "frame-begun", "The frame has begun already"),
        Refusal::Jumped { .. } => (StatusCode::CONFLICT, "frames-jumped", "The frame numbers were set anew"),
        Refusal::TooFar { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "too-far-ahead", "The frame is too far ahead"),
        Refusal::Unknown { .. } => {
            (StatusCode::UNPROCESSABLE_ENTITY, "unknown-name", "The stage has nothing of this name")
        }
        Refusal::TooLong { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "text-too-long", "The text is too long"),
        Refusal::Full | Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Too many commands"),
        Refusal::Ended => (StatusCode::SERVICE_UNAVAILABLE, "ended", "The stage is ending"),
    };
    let mut detail = refusal.to_string();
    if let Some(first) = detail.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Problem::new(status, kind, title, format!("{detail}."))
}
