//! Display connectors and vertical blanking of a DRM device (Linux, include/uapi/drm/drm.h and drm_mode.h).

use nix::errno::Errno;
use std::os::fd::{AsFd, AsRawFd};

/// Event type of a queued sequence, `DRM_EVENT_CRTC_SEQUENCE`.
const EVENT_SEQUENCE: u32 = 3;
/// Bytes of `struct drm_event_crtc_sequence`.
const EVENT_BYTES: usize = 32;
/// `DRM_MODE_CONNECTED`.
const CONNECTED: u32 = 1;
/// `DRM_CRTC_SEQUENCE_RELATIVE | DRM_CRTC_SEQUENCE_NEXT_ON_MISS`.
const NEXT: u32 = 1 | 2;

#[repr(C)]
#[derive(Default)]
struct Resources {
    fb_id_ptr: u64,
    crtc_id_ptr: u64,
    connector_id_ptr: u64,
    encoder_id_ptr: u64,
    count_fbs: u32,
    count_crtcs: u32,
    count_connectors: u32,
    count_encoders: u32,
    min_width: u32,
    max_width: u32,
    min_height: u32,
    max_height: u32,
}

#[repr(C)]
#[derive(Default)]
struct GetConnector {
    encoders_ptr: u64,
    modes_ptr: u64,
    props_ptr: u64,
    prop_values_ptr: u64,
    count_modes: u32,
    count_props: u32,
    count_encoders: u32,
    encoder_id: u32,
    connector_id: u32,
    connector_type: u32,
    connector_type_id: u32,
    connection: u32,
    mm_width: u32,
    mm_height: u32,
    subpixel: u32,
    pad: u32,
}

/// `struct drm_mode_modeinfo`, of which only its size matters here.
#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Mode {
    words: [u32; 17],
}

#[repr(C)]
#[derive(Default)]
struct GetEncoder {
    encoder_id: u32,
    encoder_type: u32,
    crtc_id: u32,
    possible_crtcs: u32,
    possible_clones: u32,
}

#[repr(C)]
#[derive(Default)]
struct QueueSequence {
    crtc_id: u32,
    flags: u32,
    sequence: u64,
    user_data: u64,
}

mod ioctl {
    use super::{GetConnector, GetEncoder, QueueSequence, Resources};

    nix::ioctl_readwrite!(resources, b'd', 0xa0, Resources);
    nix::ioctl_readwrite!(encoder, b'd', 0xa6, GetEncoder);
    nix::ioctl_readwrite!(connector, b'd', 0xa7, GetConnector);
    nix::ioctl_readwrite!(queue_sequence, b'd', 0x3c, QueueSequence);
}

/// A connector of a DRM device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// Name as the kernel gives it, such as "DP-1".
    pub name: String,
    /// Whether a display is there.
    pub connected: bool,
    /// The scan-out engine that drives it just now.
    pub crtc: Option<u32>,
}

/// One vertical blanking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blanking {
    /// Count since some start.
    pub sequence: u64,
    /// When the first pixel of the frame left, CLOCK_MONOTONIC in nanoseconds.
    pub monotonic_nanos: i64,
}

/// All connectors of a device.
///
/// # Errors
/// ENOTTY or EOPNOTSUPP if the device drives no displays.
pub fn connectors(device: &impl AsFd) -> Result<Vec<Connector>, Errno> {
    let fd = device.as_fd().as_raw_fd();
    let mut ask = Resources::default();
    // SAFETY: the number and the structure belong together; with counts of zero the kernel fills no array.
    unsafe { ioctl::resources(fd, &mut ask) }?;
    let mut ids = vec![0_u32; ask.count_connectors as usize];
    let mut ask = Resources {
        connector_id_ptr: ids.as_mut_ptr() as u64,
        count_connectors: ask.count_connectors,
        ..Resources::default()
    };
    // SAFETY: the kernel fills the array only if it holds all connectors, and `ids` is that long.
    unsafe { ioctl::resources(fd, &mut ask) }?;
    ids.truncate(ask.count_connectors as usize);
    ids.into_iter().map(|id| connector(fd, id)).collect()
}

fn connector(fd: i32, id: u32) -> Result<Connector, Errno> {
    // Asking for no modes would have the kernel probe the display, which can take a second; room for one does not.
    let mut mode = Mode::default();
    let mut ask =
        GetConnector { connector_id: id, count_modes: 1, modes_ptr: (&raw mut mode) as u64, ..GetConnector::default() };
    // SAFETY: the number and the structure belong together; only the modes array has a length, and room for it.
    unsafe { ioctl::connector(fd, &mut ask) }?;
    let mut crtc = None;
    if ask.encoder_id != 0 {
        let mut encoder = GetEncoder { encoder_id: ask.encoder_id, ..GetEncoder::default() };
        // SAFETY: the number and the structure belong together, and it holds no pointers.
        unsafe { ioctl::encoder(fd, &mut encoder) }?;
        crtc = Some(encoder.crtc_id).filter(|crtc| *crtc != 0);
    }
    let name = format!("{}-{}", type_name(ask.connector_type), ask.connector_type_id);
    Ok(Connector { name, connected: ask.connection == CONNECTED, crtc })
}

/// Names of `DRM_MODE_CONNECTOR_*`, as the kernel writes them into /sys/class/drm.
fn type_name(connector_type: u32) -> &'static str {
    const NAMES: [&str; 21] = [
        "Unknown",
        "VGA",
        "DVI-I",
        "DVI-D",
        "DVI-A",
        "Composite",
        "SVIDEO",
        "LVDS",
        "Component",
        "DIN",
        "DP",
        "HDMI-A",
        "HDMI-B",
        "TV",
        "eDP",
        "Virtual",
        "DSI",
        "DPI",
        "Writeback",
        "SPI",
        "USB",
    ];
    NAMES.get(connector_type as usize).copied().unwrap_or("Unknown")
}

/// Asks for word of the next vertical blanking; it is read from the device as an event ([`event`]).
///
/// # Errors
/// EINVAL if the engine is off, EOPNOTSUPP where the driver has no vertical blanking.
pub fn queue_next(device: &impl AsFd, crtc: u32) -> Result<(), Errno> {
    let mut ask = QueueSequence { crtc_id: crtc, flags: NEXT, sequence: 1, user_data: 0 };
    // SAFETY: the number and the structure belong together, and it holds no pointers.
    unsafe { ioctl::queue_sequence(device.as_fd().as_raw_fd(), &mut ask) }.map(drop)
}

/// The first event in what was read from a device: the blanking, where it is one, and how many bytes it took;
/// `None` if there is no whole event.
pub fn event(bytes: &[u8]) -> Option<(Option<Blanking>, usize)> {
    let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
    let long = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes);
    let length = word(4)? as usize;
    if length < 8 || bytes.len() < length {
        return None;
    }
    if word(0)? != EVENT_SEQUENCE || length < EVENT_BYTES {
        return Some((None, length));
    }
    let blanking = Blanking { monotonic_nanos: long(16)? as i64, sequence: long(24)? };
    Some((Some(blanking), length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn structures_are_as_large_as_the_kernels() {
        // sizeof, from a C program including drm.h and drm_mode.h on x86-64.
        assert_eq!(size_of::<Resources>(), 64);
        assert_eq!(size_of::<GetConnector>(), 80);
        assert_eq!(size_of::<Mode>(), 68);
        assert_eq!(size_of::<GetEncoder>(), 20);
        assert_eq!(size_of::<QueueSequence>(), 24);
    }

    #[test]
    fn requests_have_the_kernels_numbers() {
        // DRM_IOCTL_*, from the same program.
        assert_eq!(nix::request_code_readwrite!(b'd', 0xa0, size_of::<Resources>()), 0xc040_64a0);
        assert_eq!(nix::request_code_readwrite!(b'd', 0xa6, size_of::<GetEncoder>()), 0xc014_64a6);
        assert_eq!(nix::request_code_readwrite!(b'd', 0xa7, size_of::<GetConnector>()), 0xc050_64a7);
        assert_eq!(nix::request_code_readwrite!(b'd', 0x3c, size_of::<QueueSequence>()), 0xc018_643c);
    }

    #[test]
    fn what_is_no_display_device_says_so() {
        let null = File::open("/dev/null").unwrap();
        assert_eq!(connectors(&null), Err(Errno::ENOTTY));
        assert_eq!(queue_next(&null, 1), Err(Errno::ENOTTY));
    }

    #[test]
    fn events_are_read_whole_and_others_are_passed_over() {
        let words = |words: &[u32]| words.iter().flat_map(|w| w.to_ne_bytes()).collect::<Vec<u8>>();
        let longs = |longs: &[u64]| longs.iter().flat_map(|w| w.to_ne_bytes()).collect::<Vec<u8>>();
        // A page flip (type 2, 32 bytes), then a sequence.
        let mut bytes = [words(&[2, 32]), vec![0; 24]].concat();
        bytes.extend([words(&[EVENT_SEQUENCE, 32]), longs(&[0, 5_000_000_000, 77])].concat());
        assert_eq!(event(&bytes), Some((None, 32)));
        let blanking = Blanking { sequence: 77, monotonic_nanos: 5_000_000_000 };
        assert_eq!(event(&bytes[32..]), Some((Some(blanking), 32)));
        for cut in 0..32 {
            assert_eq!(event(&bytes[32..32 + cut]), None);
        }
        // A length that cannot be true ends the reading instead of looping.
        assert_eq!(event(&words(&[EVENT_SEQUENCE, 0, 0, 0])), None);
    }
}
