//! Video capture devices, "/dev/videoN": formats, mapped buffers, streaming.
//!
//! Source: Linux, Documentation/userspace-api/media/v4l and include/uapi/linux/videodev2.h. The structures below are
//! those of a 64-bit kernel; a test holds their sizes against the header's.

use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;

/// V4L2_BUF_TYPE_VIDEO_CAPTURE.
const CAPTURE: u32 = 1;
/// V4L2_MEMORY_MMAP.
const MEMORY_MMAP: u32 = 1;
/// V4L2_CAP_VIDEO_CAPTURE, V4L2_CAP_STREAMING and V4L2_CAP_DEVICE_CAPS.
const CAN_CAPTURE: u32 = 1;
const CAN_STREAM: u32 = 0x0400_0000;
const HAS_DEVICE_CAPS: u32 = 0x8000_0000;
/// V4L2_BUF_FLAG_ERROR.
const FLAG_ERROR: u32 = 0x40;
/// V4L2_BUF_FLAG_TIMESTAMP_MASK and _MONOTONIC, V4L2_BUF_FLAG_TSTAMP_SRC_MASK and _SOE.
const STAMP_CLOCK: u32 = 0xe000;
const STAMP_MONOTONIC: u32 = 0x2000;
const STAMP_SOURCE: u32 = 0x7_0000;
const STAMP_START: u32 = 0x1_0000;

/// `struct v4l2_capability`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Capability {
    driver: [u8; 16],
    card: [u8; 32],
    bus_info: [u8; 32],
    version: u32,
    capabilities: u32,
    device_caps: u32,
    reserved: [u32; 3],
}

/// `struct v4l2_fmtdesc`.
#[repr(C)]
#[derive(Clone, Copy)]
struct FormatDescription {
    index: u32,
    kind: u32,
    flags: u32,
    description: [u8; 32],
    fourcc: u32,
    mbus_code: u32,
    reserved: [u32; 3],
}

/// `struct v4l2_format` with the single-planar picture of its union.
#[repr(C)]
#[derive(Clone, Copy)]
struct Format {
    kind: u32,
    // The union holds pointers, so that it begins on their boundary.
    pad: u32,
    width: u32,
    height: u32,
    fourcc: u32,
    field: u32,
    bytes_per_line: u32,
    size_image: u32,
    rest: [u32; 44],
}

/// `struct v4l2_requestbuffers`.
#[repr(C)]
#[derive(Clone, Copy)]
struct RequestBuffers {
    count: u32,
    kind: u32,
    memory: u32,
    capabilities: u32,
    flags: u32,
}

/// `struct v4l2_buffer`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Buffer {
    index: u32,
    kind: u32,
    bytes_used: u32,
    flags: u32,
    field: u32,
    stamp_secs: i64,
    stamp_micros: i64,
    timecode: [u32; 4],
    sequence: u32,
    memory: u32,
    offset: u64,
    length: u32,
    reserved: [u32; 2],
}

mod ioctl {
    use super::{Buffer, Capability, Format, FormatDescription, RequestBuffers};
    use nix::libc;

    nix::ioctl_read!(query_capability, b'V', 0, Capability);
    nix::ioctl_readwrite!(enumerate_format, b'V', 2, FormatDescription);
    nix::ioctl_readwrite!(set_format, b'V', 5, Format);
    nix::ioctl_readwrite!(request_buffers, b'V', 8, RequestBuffers);
    nix::ioctl_readwrite!(query_buffer, b'V', 9, Buffer);
    nix::ioctl_readwrite!(queue, b'V', 15, Buffer);
    nix::ioctl_readwrite!(dequeue, b'V', 17, Buffer);
    nix::ioctl_write_ptr!(stream_on, b'V', 18, libc::c_int);
    nix::ioctl_write_ptr!(stream_off, b'V', 19, libc::c_int);
}

/// A structure of integers only, for which zero is a value.
trait Integers: Copy {}

impl Integers for Capability {}
impl Integers for FormatDescription {}
impl Integers for Format {}
impl Integers for RequestBuffers {}
impl Integers for Buffer {}

fn zeroed<T: Integers>() -> T {
    // SAFETY: see `Integers`.
    unsafe { std::mem::zeroed() }
}

/// What a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub card: String,
    /// It captures single-planar video.
    pub captures: bool,
    /// It streams from mapped buffers.
    pub streams: bool,
}

/// What a device is.
///
/// # Errors
/// ENOTTY if it is no video device.
pub fn device(fd: &impl AsFd) -> Result<Device, Errno> {
    let mut caps: Capability = zeroed();
    // SAFETY: the number and the structure belong together, and the structure outlives the call.
    unsafe { ioctl::query_capability(fd.as_fd().as_raw_fd(), &mut caps) }?;
    let bits = if caps.capabilities & HAS_DEVICE_CAPS != 0 { caps.device_caps } else { caps.capabilities };
    let name = caps.card.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(Device {
        card: String::from_utf8_lossy(name).into_owned(),
        captures: bits & CAN_CAPTURE != 0,
        streams: bits & CAN_STREAM != 0,
    })
}

/// The pixel formats that a device offers, as four letters.
///
/// # Errors
/// What the driver says, apart from the end of the list.
pub fn formats(fd: &impl AsFd) -> Result<Vec<[u8; 4]>, Errno> {
    let mut all = Vec::new();
    for index in 0..64 {
        let mut description = FormatDescription { index, kind: CAPTURE, ..zeroed() };
        // SAFETY: the number and the structure belong together, and the structure outlives the call.
        match unsafe { ioctl::enumerate_format(fd.as_fd().as_raw_fd(), &mut description) } {
            Ok(_) => all.push(description.fourcc.to_le_bytes()),
            Err(Errno::EINVAL) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// How a device's pictures lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Pixels across and down.
    pub size_px: [usize; 2],
    /// Pixel format, four letters.
    pub fourcc: [u8; 4],
    /// Bytes from line to line; 0 for compressed pictures.
    pub stride: usize,
}

/// Asks for a format and a size; returns what the driver made of it.
///
/// # Errors
/// EBUSY if somebody else streams from it.
pub fn set_layout(fd: &impl AsFd, size_px: [u32; 2], fourcc: [u8; 4]) -> Result<Layout, Errno> {
    let [width, height] = size_px;
    let mut format = Format { kind: CAPTURE, width, height, fourcc: u32::from_le_bytes(fourcc), ..zeroed() };
    // SAFETY: the number and the structure belong together, and the structure outlives the call.
    unsafe { ioctl::set_format(fd.as_fd().as_raw_fd(), &mut format) }?;
    Ok(Layout {
        size_px: [format.width as usize, format.height as usize],
        fourcc: format.fourcc.to_le_bytes(),
        stride: format.bytes_per_line as usize,
    })
}

/// A picture that a device has filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Which buffer.
    pub index: usize,
    /// Bytes that count.
    pub bytes: usize,
    /// The kernel's stamp, CLOCK_MONOTONIC nanoseconds; `None` of another clock.
    pub monotonic_nanos: Option<i64>,
    /// The stamp is the start of the exposure, not the end of the picture.
    pub at_start: bool,
    /// The driver says that the data is damaged.
    pub damaged: bool,
}

/// A device's mapped buffers, streaming. Dropping it ends the stream and unmaps them.
pub struct Stream<F: AsFd> {
    fd: F,
    maps: Vec<(NonNull<c_void>, usize)>,
}

// SAFETY: the mappings belong to the stream alone, and no thread keeps a pointer into them.
unsafe impl<F: AsFd + Send> Send for Stream<F> {}

impl<F: AsFd> Stream<F> {
    /// Maps `count` buffers, queues them and starts.
    ///
    /// # Errors
    /// What the driver says; ENOMEM if it gives fewer than two buffers.
    pub fn start(fd: F, count: u32) -> Result<Self, Errno> {
        let mut request = RequestBuffers { count, kind: CAPTURE, memory: MEMORY_MMAP, ..zeroed() };
        // SAFETY: the number and the structure belong together, and the structure outlives the call.
        unsafe { ioctl::request_buffers(fd.as_fd().as_raw_fd(), &mut request) }?;
        if request.count < 2 {
            return Err(Errno::ENOMEM);
        }
        let mut stream = Self { fd, maps: Vec::new() };
        for index in 0..request.count {
            stream.map(index)?;
            stream.queue(index as usize)?;
        }
        // SAFETY: the kernel reads an int that outlives the call.
        unsafe { ioctl::stream_on(stream.raw(), &(CAPTURE as libc::c_int)) }?;
        Ok(stream)
    }

    fn raw(&self) -> i32 {
        self.fd.as_fd().as_raw_fd()
    }

    fn buffer(index: usize) -> Buffer {
        Buffer { index: index as u32, kind: CAPTURE, memory: MEMORY_MMAP, ..zeroed() }
    }

    fn map(&mut self, index: u32) -> Result<(), Errno> {
        let mut buffer = Self::buffer(index as usize);
        // SAFETY: the number and the structure belong together, and the structure outlives the call.
        unsafe { ioctl::query_buffer(self.raw(), &mut buffer) }?;
        let length = NonZeroUsize::new(buffer.length as usize).ok_or(Errno::EINVAL)?;
        // In the union, the offset is its first 32 bits.
        let offset = i64::from(buffer.offset.to_ne_bytes().first_chunk::<4>().map_or(0, |b| u32::from_ne_bytes(*b)));
        let (access, flags) = (ProtFlags::PROT_READ, MapFlags::MAP_SHARED);
        // SAFETY: the kernel chooses a place where nothing is; length and offset are what the driver said.
        let address = unsafe { mmap(None, length, access, flags, &self.fd, offset) }?;
        self.maps.push((address, length.get()));
        Ok(())
    }

    /// Takes the picture that was filled in first.
    ///
    /// # Errors
    /// EAGAIN if there is none on a device opened without blocking, ENODEV if it was unplugged.
    pub fn dequeue(&self) -> Result<Filled, Errno> {
        let mut buffer = Self::buffer(0);
        // SAFETY: the number and the structure belong together, and the structure outlives the call.
        unsafe { ioctl::dequeue(self.raw(), &mut buffer) }?;
        let monotonic = buffer.flags & STAMP_CLOCK == STAMP_MONOTONIC;
        let nanos = buffer.stamp_secs.saturating_mul(1_000_000_000).saturating_add(buffer.stamp_micros * 1000);
        Ok(Filled {
            index: buffer.index as usize,
            bytes: buffer.bytes_used as usize,
            monotonic_nanos: monotonic.then_some(nanos),
            at_start: buffer.flags & STAMP_SOURCE == STAMP_START,
            damaged: buffer.flags & FLAG_ERROR != 0,
        })
    }

    /// What a dequeued buffer holds.
    pub fn bytes(&self, filled: &Filled) -> &[u8] {
        let Some((address, length)) = self.maps.get(filled.index) else { return &[] };
        // SAFETY: the mapping lives as long as the stream, and the driver leaves a dequeued buffer alone.
        unsafe { std::slice::from_raw_parts(address.as_ptr().cast::<u8>(), filled.bytes.min(*length)) }
    }

    /// Gives a buffer back to be filled.
    ///
    /// # Errors
    /// What the driver says.
    pub fn queue(&mut self, index: usize) -> Result<(), Errno> {
        let mut buffer = Self::buffer(index);
        // SAFETY: the number and the structure belong together, and the structure outlives the call.
        unsafe { ioctl::queue(self.raw(), &mut buffer) }.map(drop)
    }

    /// The device.
    pub fn device(&self) -> &F {
        &self.fd
    }
}

impl<F: AsFd> Drop for Stream<F> {
    fn drop(&mut self) {
        // SAFETY: the kernel reads an int that outlives the call.
        let _ = unsafe { ioctl::stream_off(self.raw(), &(CAPTURE as libc::c_int)) };
        for (address, length) in self.maps.drain(..) {
            // SAFETY: mapped by `map` with this length, and nothing borrows it any more.
            let _ = unsafe { munmap(address, length) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    /// Printed by a C program from linux/videodev2.h on x86_64.
    #[test]
    fn structures_are_the_kernel_header_s() {
        let sizes = [
            size_of::<Capability>(),
            size_of::<FormatDescription>(),
            size_of::<Format>(),
            size_of::<RequestBuffers>(),
            size_of::<Buffer>(),
        ];
        assert_eq!(sizes, [104, 64, 208, 20, 88]);
        let capability =
            [offset_of!(Capability, card), offset_of!(Capability, capabilities), offset_of!(Capability, device_caps)];
        assert_eq!(capability, [16, 84, 88]);
        assert_eq!(offset_of!(FormatDescription, fourcc), 44);
        let format = [
            offset_of!(Format, width),
            offset_of!(Format, fourcc),
            offset_of!(Format, bytes_per_line),
            offset_of!(Format, size_image),
        ];
        assert_eq!(format, [8, 16, 24, 28]);
        let buffer = [
            offset_of!(Buffer, bytes_used),
            offset_of!(Buffer, flags),
            offset_of!(Buffer, stamp_secs),
            offset_of!(Buffer, sequence),
            offset_of!(Buffer, memory),
            offset_of!(Buffer, offset),
            offset_of!(Buffer, length),
        ];
        assert_eq!(buffer, [8, 12, 24, 56, 60, 64, 72]);
    }

    /// As above: the request numbers hold direction, size, letter and number.
    #[test]
    fn request_numbers_are_the_kernel_header_s() {
        let numbers = [
            nix::request_code_read!(b'V', 0, size_of::<Capability>()),
            nix::request_code_readwrite!(b'V', 2, size_of::<FormatDescription>()),
            nix::request_code_readwrite!(b'V', 5, size_of::<Format>()),
            nix::request_code_readwrite!(b'V', 8, size_of::<RequestBuffers>()),
            nix::request_code_readwrite!(b'V', 9, size_of::<Buffer>()),
            nix::request_code_readwrite!(b'V', 15, size_of::<Buffer>()),
            nix::request_code_readwrite!(b'V', 17, size_of::<Buffer>()),
            nix::request_code_write!(b'V', 18, size_of::<libc::c_int>()),
            nix::request_code_write!(b'V', 19, size_of::<libc::c_int>()),
        ];
        let expected = [
            0x8068_5600_u64,
            0xc040_5602,
            0xc0d0_5605,
            0xc014_5608,
            0xc058_5609,
            0xc058_560f,
            0xc058_5611,
            0x4004_5612,
            0x4004_5613,
        ];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn what_is_no_video_device_says_so() {
        let null = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(device(&null), Err(Errno::ENOTTY));
        assert_eq!(formats(&null), Err(Errno::ENOTTY));
        assert_eq!(set_layout(&null, [640, 480], *b"YUYV"), Err(Errno::ENOTTY));
        assert_eq!(Stream::start(null, 4).err(), Some(Errno::ENOTTY));
    }
}
