//! A V4L2 device's pictures: streamed from mapped buffers, with the kernel's stamps.
//!
//! Drivers stamp the end of a picture unless they say that it is the start of the exposure (V4L2_BUF_FLAG_TSTAMP_SRC).
//! USB cameras add a delay of their own between sensor and bus that no stamp shows, a few milliseconds as a rule: for a
//! tenth of a frame take a camera with an external trigger, a capture card, or files with timecode.
//! Not tested on hardware; a test holds every structure and number against the kernel's header, and errors are tested.

use super::luma::{Luma, decoded, plain};
use super::{ReturnError, ReturnedPicture, ReturnedPictures, StampOf};
use crate::clock::MonotonicClock;
use crate::sys::v4l2::{Filled, Layout, Stream, device, formats, set_layout};
use cyc_core::{Clock, StageTime};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Formats in the order in which they are preferred: the less is coded, the better.
const FORMATS: [[u8; 4]; 5] = [*b"GREY", *b"YUYV", *b"UYVY", *b"NV12", *b"MJPG"];
/// Buffers that wait to be filled.
const BUFFERS: u32 = 6;
/// After so many broken pictures in a row the device is broken.
const MOST_BROKEN: u32 = 100;
/// A device that sends nothing for so long is silent, seconds.
const SILENCE_SECS: u64 = 3;

/// A device's pictures. Dropping it ends the stream.
pub struct DevicePictures {
    path: PathBuf,
    stream: Stream<File>,
    layout: Layout,
    clock: Arc<dyn Clock>,
}

impl DevicePictures {
    /// Opens a device, asks for pictures of about `size_px` and starts it; stamps are brought onto `clock`.
    ///
    /// # Errors
    /// No such device, no permission, no video, no usable format, or a device in use.
    pub fn open(path: &Path, size_px: [u32; 2], clock: Arc<dyn Clock>) -> Result<Self, ReturnError> {
        let opened = OpenOptions::new().read(true).write(true).custom_flags(nix::libc::O_NONBLOCK).open(path);
        let file = opened.map_err(|source| opening(path, source))?;
        let known = device(&file).map_err(|_| ReturnError::NoCapture { path: path.to_owned(), card: String::new() })?;
        if !known.captures || !known.streams {
            return Err(ReturnError::NoCapture { path: path.to_owned(), card: known.card });
        }
        let failed = |doing| move |errno| failure(path, doing, errno);
        let offered = formats(&file).map_err(failed("listing formats"))?;
        let Some(fourcc) = FORMATS.into_iter().find(|format| offered.contains(format)) else {
            let names: Vec<String> = offered.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
            return Err(ReturnError::Format { path: path.to_owned(), offered: names.join(", ") });
        };
        let layout = set_layout(&file, size_px, fourcc).map_err(failed("setting the format"))?;
        let stream = Stream::start(file, BUFFERS).map_err(failed("starting the stream"))?;
        Ok(Self { path: path.to_owned(), stream, layout, clock })
    }

    /// Pixels across and down that the device delivers.
    pub fn size_px(&self) -> [usize; 2] {
        self.layout.size_px
    }

    fn failed(&self, doing: &'static str) -> impl Fn(Errno) -> ReturnError + '_ {
        move |errno| failure(&self.path, doing, errno)
    }

    /// Waits for a picture.
    fn filled(&self) -> Result<Filled, ReturnError> {
        loop {
            let mut waiting = [PollFd::new(self.stream.device().as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(SILENCE_SECS * 1000).unwrap_or(PollTimeout::MAX);
            match poll(&mut waiting, timeout) {
                Ok(0) => return Err(ReturnError::Silent { path: self.path.clone(), secs: SILENCE_SECS }),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(self.failed("waiting for a picture")(errno)),
            }
            match self.stream.dequeue() {
                Err(Errno::EAGAIN) => {}
                other => return other.map_err(self.failed("taking a picture")),
            }
        }
    }

    fn picture(&self, filled: &Filled) -> Result<ReturnedPicture, ReturnError> {
        let Some(nanos) = filled.monotonic_nanos else { return Err(ReturnError::Clock { path: self.path.clone() }) };
        let (size_px, luma) = grey(self.stream.bytes(filled), &self.layout)
            .map_err(|why| ReturnError::Picture { name: self.path.display().to_string(), why })?;
        let of = if filled.at_start { StampOf::Begin } else { StampOf::End };
        Ok(ReturnedPicture { size_px, luma, stamp: on_stage(nanos, &*self.clock), of })
    }
}

impl ReturnedPictures for DevicePictures {
    fn next(&mut self) -> Result<Option<ReturnedPicture>, ReturnError> {
        let mut last = None;
        for _ in 0..MOST_BROKEN {
            let filled = self.filled()?;
            let picture = self.picture(&filled);
            let given_back = self.stream.queue(filled.index);
            given_back.map_err(self.failed("giving a buffer back"))?;
            match picture {
                // A picture that the driver knows to be damaged, or that came broken, is one fewer.
                Ok(_) if filled.damaged => {}
                Err(broken @ ReturnError::Picture { .. }) => last = Some(broken),
                other => return other.map(Some),
            }
        }
        Err(last.unwrap_or_else(|| self.failed("reading undamaged pictures")(Errno::EIO)))
    }
}

/// A CLOCK_MONOTONIC stamp on the stage's clock, both read at about the same moment.
fn on_stage(monotonic_nanos: i64, clock: &dyn Clock) -> StageTime {
    let before = clock.now();
    let monotonic = MonotonicClock.now();
    let middle = before.plus_nanos(clock.now().nanos_since(before) / 2);
    middle.plus_nanos(monotonic_nanos.saturating_sub(monotonic.0))
}

/// A device's bytes as grey values.
fn grey(bytes: &[u8], layout: &Layout) -> Result<Luma, String> {
    match &layout.fourcc {
        b"GREY" | b"NV12" => plain(bytes, layout.size_px, layout.stride, [1, 0]),
        b"YUYV" => plain(bytes, layout.size_px, layout.stride, [2, 0]),
        b"UYVY" => plain(bytes, layout.size_px, layout.stride, [2, 1]),
        b"MJPG" => decoded(bytes),
        other => Err(format!("the device chose the format {}", String::from_utf8_lossy(other))),
    }
}

fn opening(path: &Path, source: io::Error) -> ReturnError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => ReturnError::NoDevice { path },
        io::ErrorKind::PermissionDenied => ReturnError::Permission { path },
        _ => ReturnError::Device { path, doing: "opening", source },
    }
}

fn failure(path: &Path, doing: &'static str, errno: Errno) -> ReturnError {
    ReturnError::Device { path: path.to_owned(), doing, source: errno.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FakeClock;

    fn refusal(path: &str) -> String {
        match DevicePictures::open(Path::new(path), [640, 480], Arc::new(MonotonicClock)) {
            Ok(_) => "opened".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_not_there_or_no_camera_is_named() {
        assert!(refusal("/dev/video-none").contains("there is no video device /dev/video-none"));
        assert!(refusal("/dev/null").contains("/dev/null does not capture video"));
        assert!(refusal("/").contains("/: opening failed"));
    }

    #[test]
    fn formats_are_read_by_their_letters() {
        let layout = |fourcc: &[u8; 4]| Layout { size_px: [2, 1], fourcc: *fourcc, stride: 4 };
        let values = |fourcc: &[u8; 4]| grey(&[10, 20, 30, 40], &layout(fourcc)).map(|(_, luma)| luma.map_bytes());
        assert_eq!(values(b"GREY"), Ok(vec![10, 20]));
        assert_eq!(values(b"YUYV"), Ok(vec![10, 30]));
        assert_eq!(values(b"UYVY"), Ok(vec![20, 40]));
        assert_eq!(values(b"H264"), Err("the device chose the format H264".into()));
        assert!(values(b"MJPG").is_err());
    }

    trait MapBytes {
        fn map_bytes(self) -> Vec<u8>;
    }

    impl MapBytes for Vec<f32> {
        fn map_bytes(self) -> Vec<u8> {
            self.into_iter().map(|value| (value * 255.0).round() as u8).collect()
        }
    }

    #[test]
    fn stamps_are_brought_onto_another_clock() {
        let clock = FakeClock::at(StageTime(5_000_000_000_000));
        let before = MonotonicClock.now();
        let stamp = on_stage(before.0 - 1_000_000, &clock);
        // Less the time that passed since `before` was read.
        let passed = MonotonicClock.now().nanos_since(before);
        assert!(stamp <= StageTime(4_999_999_000_000) && stamp >= StageTime(4_999_999_000_000 - passed), "{stamp:?}");
    }
}
