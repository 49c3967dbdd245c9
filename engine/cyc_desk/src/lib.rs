//! The desk: an HTTP server that shows what the stage does, and its page.
//!
//! Map: [`source`] (what the frame loop gives: reports, events, sync and wall pictures, never waiting; and where commands
//! go), [`health`] (is the stage all right: a pure function of the last minute), [`sync`] (beat, labels and feeds),
//! [`mod@log`] (the newest events), [`picture`] (pixels to PNG), [`problem`] (errors as RFC 9457 documents), [`guard`] (who may ask), [`routes`] (the API), [`openapi`] (its description),
//! [`server`] (thread, runtime, socket). The page itself is in `web/`.
//!
//! Invariant: nothing the desk does can make the frame loop wait.

pub mod guard;
pub mod health;
pub mod log;
pub mod openapi;
pub mod picture;
pub mod problem;
pub mod routes;
pub mod server;
pub mod source;
pub mod sync;

pub use health::{Health, HealthState};
pub use server::{DEFAULT_ADDR, Desk, DeskError};
pub use source::{DeskSource, WallPicture, WallRequest};
pub use sync::{FeedSync, GenlockSync, SyncStatus, TimecodeSync};
