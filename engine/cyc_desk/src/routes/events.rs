//! Events and sync.

use super::Shared;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// What JSON Lines are called.
const JSONL: &str = "application/jsonl";
/// Events of one answer unless it is asked otherwise.
const LIMIT: usize = 1000;

/// `GET /api/v1/events`: as a JSON object, or as JSON lines where those are asked for.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepts.split(',').any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == JSONL)) {
        return lines(&shared, &query);
    }
    let limit = number_of(&query, "limit")?.map_or(LIMIT, |limit| usize::try_from(limit).unwrap_or(LIMIT));
    Ok(Json(shared.source.events(number_of(&query, "since")?, limit)).into_response())
}

/// `GET /api/v1/events.jsonl`: everything that is kept, for a file.
pub(super) async fn export(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    lines(&shared, &query.unwrap_or_default())
}

/// `GET /api/v1/sync`.
pub(super) async fn sync(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let sync = shared.source.sync().ok_or_else(|| {
        let detail = "Ask again once the stage has begun; the beat's state is in /api/v1/report too.";
        Problem::new(StatusCode::NOT_FOUND, "no-sync", "Nothing is known of the beat yet", detail)
    })?;
    Ok(Json(&*sync).into_response())
}

fn lines(shared: &Shared, query: &str) -> Result<Response, Problem> {
    let limit = number_of(query, "limit")?.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut text = String::new();
    for event in shared.source.events(number_of(query, "since")?, limit).events {
        match serde_json::to_string(&event) {
            Ok(line) => text.extend([line.as_str(), "\n"]),
            Err(error) => tracing::error!("event {}: {error}", event.seq),
        }
    }
    let attachment = (header::CONTENT_DISPOSITION, "attachment; filename=\"events.jsonl\"");
    Ok(([(header::CONTENT_TYPE, JSONL), attachment], text).into_response())
}

/// A whole number of a query; `None` without it.
fn number_of(query: &str, key: &str) -> Result<Option<u64>, Problem> {
    let value = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key);
    let Some((_, text)) = value else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let detail = format!("{key} is a whole number, 0 or more, not {text:?}.");
        Problem::new(StatusCode::BAD_REQUEST, "bad-number", "Not a number", detail)
    })
}
