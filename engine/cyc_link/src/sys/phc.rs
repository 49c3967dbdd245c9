//! PTP hardware clocks, "/dev/ptpN" (Linux, Documentation/driver-api/ptp.rst and include/uapi/linux/ptp_clock.h).

use nix::errno::Errno;
use nix::libc;
use nix::time::ClockId;
use std::os::fd::{AsFd, AsRawFd};

mod ioctl {
    use nix::libc::{ptp_clock_caps, ptp_sys_offset_extended, ptp_sys_offset_precise};

    nix::ioctl_read!(caps, b'=', 1, ptp_clock_caps);
    nix::ioctl_readwrite!(precise, b'=', 8, ptp_sys_offset_precise);
    nix::ioctl_readwrite!(extended, b'=', 9, ptp_sys_offset_extended);
}

/// The POSIX clock of an open hardware clock (clock_getres(2), "Dynamic clocks"); good while the file is open.
pub fn clock_id(device: &impl AsFd) -> ClockId {
    const CLOCKFD: i32 = 3;
    ClockId::from_raw((!device.as_fd().as_raw_fd() << 3) | CLOCKFD)
}

/// Whether the device is a hardware clock, and whether it is stamped together with the system's clocks by hardware.
///
/// # Errors
/// ENOTTY if it is no PTP clock.
pub fn cross_stamps(device: &impl AsFd) -> Result<bool, Errno> {
    // SAFETY: the structure holds integers only, for which zero is a value.
    let mut caps: libc::ptp_clock_caps = unsafe { std::mem::zeroed() };
    // SAFETY: the number and the structure belong together, and the structure outlives the call.
    unsafe { ioctl::caps(device.as_fd().as_raw_fd(), &mut caps) }?;
    Ok(caps.cross_timestamping != 0)
}

/// The hardware clock and CLOCK_REALTIME at the same instant, nanoseconds (PTP_SYS_OFFSET_PRECISE).
///
/// # Errors
/// EOPNOTSUPP where the hardware cannot, ENOTTY if the device is no PTP clock.
pub fn precise(device: &impl AsFd) -> Result<[i64; 2], Errno> {
    // SAFETY: the structure holds integers only, for which zero is a value.
    let mut stamps: libc::ptp_sys_offset_precise = unsafe { std::mem::zeroed() };
    // SAFETY: the number and the structure belong together, and the structure outlives the call.
    unsafe { ioctl::precise(device.as_fd().as_raw_fd(), &mut stamps) }?;
    Ok([nanos(stamps.device), nanos(stamps.sys_realtime)])
}

/// How often [`extended`] reads the hardware clock; one of them is seldom disturbed.
const READINGS: u32 = 7;

/// The hardware clock between two readings of CLOCK_REALTIME, nanoseconds: system before, hardware, system after,
/// taken in the driver; the tightest of a few (PTP_SYS_OFFSET_EXTENDED).
///
/// # Errors
/// EOPNOTSUPP where the driver cannot, ENOTTY if the device is no PTP clock.
pub fn extended(device: &impl AsFd) -> Result<[i64; 3], Errno> {
    // SAFETY: the structure holds integers only, for which zero is a value; clock id 0 is CLOCK_REALTIME.
    let mut stamps: libc::ptp_sys_offset_extended = unsafe { std::mem::zeroed() };
    stamps.n_samples = READINGS;
    // SAFETY: the number and the structure belong together, and the structure outlives the call.
    unsafe { ioctl::extended(device.as_fd().as_raw_fd(), &mut stamps) }?;
    let readings = stamps.ts.iter().take(READINGS as usize).map(|reading| reading.map(nanos));
    readings.min_by_key(|[before, _, after]| after.saturating_sub(*before)).ok_or(Errno::ENODATA)
}

fn nanos(time: libc::ptp_clock_time) -> i64 {
    time.sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.nsec))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn what_is_no_hardware_clock_says_so() {
        let null = File::open("/dev/null").unwrap();
        assert_eq!(cross_stamps(&null), Err(Errno::ENOTTY));
        assert_eq!(precise(&null), Err(Errno::ENOTTY));
        assert_eq!(extended(&null), Err(Errno::ENOTTY));
        assert!(clock_id(&null).now().is_err());
    }

    #[test]
    fn a_dynamic_clock_id_is_the_files_number_inverted() {
        // FD_TO_CLOCKID of clock_getres(2): ((~(unsigned) fd) << 3) | 3.
        let null = File::open("/dev/null").unwrap();
        let fd = null.as_raw_fd();
        assert_eq!(clock_id(&null).as_raw(), -8 * (fd + 1) + 3);
    }

    #[test]
    fn stamps_are_nanoseconds_and_never_overflow() {
        let time = |sec, nsec| libc::ptp_clock_time { sec, nsec, reserved: 0 };
        assert_eq!(nanos(time(1_800_000_037, 5)), 1_800_000_037_000_000_005);
        assert_eq!(nanos(time(i64::MAX, 999_999_999)), i64::MAX);
    }
}
