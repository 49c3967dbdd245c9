//! The API and the page.

mod commands;
mod events;

use crate::problem::Problem;
use crate::source::DeskSource;
use crate::{guard, openapi, picture};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderName, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The frame that a wall picture shows.
pub const FRAME_HEADER: HeaderName = HeaderName::from_static("x-cyclorama-frame");

/// Where commands are given.
const COMMANDS: &str = "/api/v1/commands";
/// Largest command, in bytes.
const COMMAND_BYTES: usize = 16_384;

/// How long the frame loop may take to hand out a picture, or to begin a frame for a command.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(2);

/// Only our own three files and the API; nobody may frame the page.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the handlers share.
struct Shared {
    source: DeskSource,
    /// The newest picture of each wall. Whoever holds a wall's lock asks the frame loop; those who waited for
    /// the lock take the answer if it was asked for after they came.
    walls: HashMap<String, Mutex<Option<Taken>>>,
    timeout: Duration,
}

/// A wall picture and when it was asked for.
#[derive(Clone)]
struct Taken {
    asked: Instant,
    picture: Arc<crate::WallPicture>,
}

/// All routes over a source; wall pictures and commands that take longer than two seconds are a problem.
pub fn router(source: DeskSource) -> Router {
    router_with_timeout(source, PICTURE_TIMEOUT)
}

/// As [`router`], with another patience.
pub fn router_with_timeout(source: DeskSource, timeout: Duration) -> Router {
    let walls = source.walls().iter().map(|wall| (wall.clone(), Mutex::default())).collect();
    Router::new()
        .route("/", get(|| page("text/html; charset=utf-8", include_str!("../web/index.html"))))
        .route("/desk.css", get(|| page("text/css; charset=utf-8", include_str!("../web/desk.css"))))
        .route("/desk.js", get(|| page("text/javascript; charset=utf-8", include_str!("../web/desk.js"))))
        .route("/api/v1/health", get(health))
        .route("/api/v1/stage", get(stage))
        .route("/api/v1/report", get(report))
        .route("/api/v1/walls/{wall}/frame.png", get(wall_frame))
        .route("/api/v1/sync", get(events::sync))
        .route("/api/v1/events", get(events::list))
        .route("/api/v1/events.jsonl", get(events::export))
        .route(COMMANDS, get(commands::state).post(commands::give))
        .route("/api/v1/openapi.json", get(|| async { Json(openapi::document()) }))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(COMMAND_BYTES))
        .layer(middleware::map_response(harden))
        .layer(middleware::from_fn(guard::guard))
        .with_state(Arc::new(Shared { source, walls, timeout }))
}

async fn page(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, header::HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(header::CACHE_CONTROL, "no-store");
    response
}

async fn health(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    Json(shared.source.health())
}

async fn stage(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    Json(shared.source.stage().clone())
}

async fn report(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let report = shared.source.newest().ok_or_else(|| {
        let detail = "Ask again once the stage has presented its first frame.";
        Problem::new(StatusCode::NOT_FOUND, "no-report", "No frame has been presented yet", detail)
    })?;
    Ok(Json(&*report).into_response())
}

async fn wall_frame(
    State(shared): State<Arc<Shared>>,
    Path(wall): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let width = width_of(query.as_deref().unwrap_or_default())?;
    let slot = shared.walls.get(&wall).ok_or_else(|| unknown_wall(&wall, shared.source.walls()))?;
    let picture = take(&shared, slot, &wall).await?;
    let frame = picture.frame;
    let png = tokio::task::spawn_blocking(move || picture::png(&picture, width))
        .await
        .map_err(|error| broken(error.to_string()))?
        .map_err(|error| broken(error.to_string()))?;
    let kind = (header::CONTENT_TYPE, "image/png".to_string());
    Ok(([kind, (FRAME_HEADER, frame.to_string())], Bytes::from(png)).into_response())
}

/// The wall as it is now: asked for by this request or, meanwhile, by another one.
async fn take(shared: &Shared, slot: &Mutex<Option<Taken>>, wall: &str) -> Result<Arc<crate::WallPicture>, Problem> {
    let came = Instant::now();
    let mut slot = slot.lock().await;
    if let Some(taken) = slot.as_ref().filter(|taken| taken.asked >= came) {
        return Ok(taken.picture.clone());
    }
    let asked = Instant::now();
    let reply = shared.source.ask(wall).ok_or_else(|| no_picture(wall, "too many requests are waiting"))?;
    let picture = tokio::time::timeout(shared.timeout, reply)
        .await
        .map_err(|_| no_picture(wall, "the frame loop did not answer in time"))?
        .map_err(|_| no_picture(wall, "the frame loop has none"))?;
    let picture = Arc::new(picture);
    *slot = Some(Taken { asked, picture: picture.clone() });
    Ok(picture)
}

/// The `width` of a query, `None` without one.
fn width_of(query: &str) -> Result<Option<u32>, Problem> {
    let mut widths = query.split('&').filter_map(|pair| pair.strip_prefix("width="));
    let Some(text) = widths.next() else { return Ok(None) };
    match text.parse() {
        Ok(0) | Err(_) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "bad-width",
            "Not a picture width",
            format!("width is a whole number of pixels, at least 1, not {text:?}."),
        )),
        Ok(width) => Ok(Some(width)),
    }
}

fn unknown_wall(wall: &str, walls: &[String]) -> Problem {
    let detail = match walls {
        [] => format!("There is no wall {wall:?}; this stage has no walls."),
        [one] => format!("There is no wall {wall:?}; this stage has one, {one:?}."),
        many => format!("There is no wall {wall:?}; this stage has {many:?}."),
    };
    Problem::new(StatusCode::NOT_FOUND, "unknown-wall", "The stage has no such wall", detail)
}

fn no_picture(wall: &str, why: &str) -> Problem {
    let detail = format!("No picture of wall {wall:?}: {why}. Look at /api/v1/health, then ask again.");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-picture", "The wall's picture could not be had", detail)
}

fn broken(detail: String) -> Problem {
    tracing::error!("wall picture: {detail}");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "picture", "The wall's picture could not be encoded", detail)
}

async fn not_found(uri: Uri) -> Problem {
    let detail = format!("There is nothing at {}; /api/v1/openapi.json lists what there is.", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here", detail)
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let takes = if uri.path() == COMMANDS { "GET and POST" } else { "GET only: it can be read and not changed" };
    let detail = format!("{} takes {takes}, not {method}.", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "This takes another method", detail)
}
