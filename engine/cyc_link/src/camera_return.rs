//! Pictures that a camera returns, with the instants at which they were exposed: from files or from a video device.
//!
//! Map: [`files`] (a folder of pictures and their stamps), [`v4l2`] (a device), `luma` (bytes to grey).

pub mod files;
mod luma;
pub mod v4l2;

pub use files::FolderPictures;
pub use v4l2::DevicePictures;

use cyc_core::StageTime;
use std::io;
use std::path::PathBuf;

/// A picture, grey, as the camera coded it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReturnedPicture {
    /// Pixels across and down.
    pub size_px: [usize; 2],
    /// Values 0..1, row by row from the top left, with the camera's gamma.
    pub luma: Vec<f32>,
    /// When it was exposed, stage time.
    pub stamp: StageTime,
    /// Which part of the exposure that is.
    pub of: StampOf,
}

/// Which part of an exposure a stamp is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampOf {
    /// The first line begins.
    Begin,
    /// The middle of the middle line.
    Middle,
    /// The last line ends.
    End,
}

/// Where a camera's pictures come from.
pub trait ReturnedPictures {
    /// The next picture; `None` when there are no more.
    ///
    /// # Errors
    /// A picture that cannot be read, or a device that fell silent.
    fn next(&mut self) -> Result<Option<ReturnedPicture>, ReturnError>;
}

/// Why there is no picture. Every message names the file or device, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ReturnError {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder without pictures and their stamps.
    #[error(
        "{} holds no pictures with time stamps: write {}, lines of \"file,begin_ns\", or name the pictures \
         NAME@NANOSECONDS.png",
        path.display(),
        files::LIST
    )]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// A line of the list is wrong.
    #[error("{}:{line}: {what}", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A picture that is none.
    #[error("{name} is no picture that can be read: {why}")]
    Picture {
        /// File or device.
        name: String,
        /// What the decoder said.
        why: String,
    },
    /// A device that is not there.
    #[error("there is no video device {}; `ls /dev/video*` lists them", path.display())]
    NoDevice {
        /// Which.
        path: PathBuf,
    },
    /// A device that may not be opened.
    #[error("{} may not be opened: add the user to its group (`ls -l` names it, usually video)", path.display())]
    Permission {
        /// Which.
        path: PathBuf,
    },
    /// Something that is no capture device.
    #[error("{} does not capture video{}; other numbers of the same camera may", path.display(), if card.is_empty() { String::new() } else { format!(" ({card})") })]
    NoCapture {
        /// Which.
        path: PathBuf,
        /// What it calls itself.
        card: String,
    },
    /// A device with other pixel formats.
    #[error("{} offers none of the formats GREY, YUYV, UYVY, NV12 and MJPG, only {offered}", path.display())]
    Format {
        /// Which.
        path: PathBuf,
        /// What it offers.
        offered: String,
    },
    /// Something went wrong with a device.
    #[error("{}: {doing} failed: {source}", path.display())]
    Device {
        /// Which.
        path: PathBuf,
        /// What was done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A device that sends nothing.
    #[error("{} sent no picture for {secs} s: is the camera on, and is another program using it?", path.display())]
    Silent {
        /// Which.
        path: PathBuf,
        /// How long it was waited for.
        secs: u64,
    },
    /// A device whose stamps are of no known clock.
    #[error("{} stamps its pictures with an unknown clock, so that they cannot be brought onto the stage's", path.display())]
    Clock {
        /// Which.
        path: PathBuf,
    },
}
