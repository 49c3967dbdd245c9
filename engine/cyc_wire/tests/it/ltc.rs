//! Linear timecode: words against vectors, and sound that was made ever worse.

mod clean;
mod hard;
mod sound;
mod speed;
mod words;
