//! System calls that no crate wraps safely: scheduling policies, the kernel's TAI offset, PTP hardware clocks and
//! display sequences. Values in, values out; nothing else of this crate lifts the ban on `unsafe`.

#![allow(unsafe_code, reason = "system calls without a safe wrapper; each block says why it is sound")]

pub mod drm;
pub mod phc;
pub mod serial;
pub mod v4l2;

use nix::errno::Errno;
use nix::libc;

/// How the kernel schedules a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// SCHED_OTHER: a fair share.
    Ordinary,
    /// SCHED_FIFO with this priority, 1..=99: before every ordinary thread.
    Fifo(u8),
}

/// Sets a thread's policy, 0 the calling thread. What such a thread starts is ordinary again (SCHED_RESET_ON_FORK),
/// so that a real-time frame thread never makes real-time drivers and workers.
///
/// # Errors
/// What sched_setscheduler(2) says; EPERM without the right to it.
pub fn set_policy(thread: i32, policy: Policy) -> Result<(), Errno> {
    let (policy, priority) = match policy {
        Policy::Ordinary => (libc::SCHED_OTHER, 0),
        Policy::Fifo(priority) => (libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, i32::from(priority)),
    };
    // SAFETY: every field of sched_param is a plain integer, for which zero is a value.
    let mut parameter: libc::sched_param = unsafe { std::mem::zeroed() };
    parameter.sched_priority = priority;
    // SAFETY: the kernel reads the structure, which outlives the call.
    Errno::result(unsafe { libc::sched_setscheduler(thread, policy, &parameter) }).map(drop)
}

/// A thread's policy, 0 the calling thread; anything but SCHED_FIFO is ordinary.
///
/// # Errors
/// What sched_getscheduler(2) says.
#[cfg(test)]
pub fn policy(thread: i32) -> Result<Policy, Errno> {
    // SAFETY: a call without pointers.
    let policy = Errno::result(unsafe { libc::sched_getscheduler(thread) })? & !libc::SCHED_RESET_ON_FORK;
    if policy != libc::SCHED_FIFO {
        return Ok(Policy::Ordinary);
    }
    // SAFETY: every field of sched_param is a plain integer, for which zero is a value.
    let mut parameter: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes the structure, which outlives the call.
    Errno::result(unsafe { libc::sched_getparam(thread, &mut parameter) })?;
    Ok(Policy::Fifo(u8::try_from(parameter.sched_priority).unwrap_or(0)))
}

/// What the kernel knows about CLOCK_REALTIME.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KernelClock {
    /// TAI minus UTC in seconds; 0 if nobody has told the kernel, and then CLOCK_TAI is UTC.
    pub tai_offset_secs: i32,
    /// Whether a daemon says that it disciplines the clock (STA_UNSYNC is clear).
    pub disciplined: bool,
    /// How much faster the clock is made to run, parts per million.
    pub frequency_ppm: f64,
}

/// Reads the kernel's clock state; changes nothing.
///
/// # Errors
/// What adjtimex(2) says.
pub fn kernel_clock() -> Result<KernelClock, Errno> {
    // SAFETY: timex holds integers only, for which zero is a value; `modes` 0 asks for nothing to be set.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes the structure, which outlives the call.
    Errno::result(unsafe { libc::adjtimex(&mut timex) })?;
    Ok(KernelClock {
        tai_offset_secs: timex.tai,
        disciplined: timex.status & libc::STA_UNSYNC == 0,
        // 16 bits after the point (adjtimex(2)).
        frequency_ppm: timex.freq as f64 / 65_536.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_without_wishes_is_ordinary_and_may_stay_so() {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(policy(0), Ok(Policy::Ordinary));
                assert_eq!(set_policy(0, Policy::Ordinary), Ok(()));
            });
        });
    }

    #[test]
    fn fifo_is_granted_or_refused_and_never_passed_on() {
        std::thread::scope(|scope| {
            scope.spawn(|| match set_policy(0, Policy::Fifo(3)) {
                Ok(()) => {
                    assert_eq!(policy(0), Ok(Policy::Fifo(3)));
                    let child = std::thread::spawn(|| policy(0)).join().unwrap();
                    assert_eq!(child, Ok(Policy::Ordinary));
                    // Giving it up needs no right.
                    assert_eq!(set_policy(0, Policy::Ordinary), Ok(()));
                }
                Err(error) => assert_eq!(error, Errno::EPERM),
            });
        });
    }

    #[test]
    fn an_impossible_priority_is_an_error() {
        assert_eq!(set_policy(0, Policy::Fifo(100)), Err(Errno::EINVAL));
        assert_eq!(set_policy(i32::MAX, Policy::Ordinary), Err(Errno::ESRCH));
        assert_eq!(policy(i32::MAX), Err(Errno::ESRCH));
    }

    #[test]
    fn the_kernel_clock_can_be_read_without_rights() {
        let clock = kernel_clock().unwrap();
        assert!((0..100).contains(&clock.tai_offset_secs), "{clock:?}");
        assert!(clock.frequency_ppm.abs() <= 500.0, "{clock:?}");
    }
}
