//! Serial lines beyond what a crate offers: low latency, modem lines, and a signal that ends a wait for one.
//!
//! Source: tty_ioctl(4), linux/serial.h. A thread in TIOCMIWAIT can be woken by nothing but a signal.

use nix::errno::Errno;
use nix::libc;
use std::os::fd::RawFd;
use std::os::unix::thread::JoinHandleExt;
use std::thread::JoinHandle;

/// `ASYNC_LOW_LATENCY` of linux/tty_flags.h.
const LOW_LATENCY: libc::c_int = 1 << 13;

/// A modem line that a beat may come on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modem {
    /// Clear to send.
    Cts,
    /// Data carrier detect.
    Dcd,
}

impl Modem {
    fn bit(self) -> libc::c_int {
        match self {
            Self::Cts => libc::TIOCM_CTS,
            Self::Dcd => libc::TIOCM_CAR,
        }
    }
}

/// `struct serial_struct` of linux/serial.h; only `flags` is touched.
#[repr(C)]
#[derive(Clone, Copy)]
struct Serial {
    kind: libc::c_int,
    line: libc::c_int,
    port: libc::c_uint,
    irq: libc::c_int,
    flags: libc::c_int,
    // The kernel's structure ends well before this does, whatever the width of its pointers.
    rest: [u64; 12],
}

/// `struct serial_icounter_struct` of linux/serial.h.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Counters {
    cts: libc::c_int,
    dsr: libc::c_int,
    rng: libc::c_int,
    dcd: libc::c_int,
    others: [libc::c_int; 16],
}

mod raw {
    use nix::libc;
    nix::ioctl_read_bad!(tiocgserial, libc::TIOCGSERIAL, super::Serial);
    nix::ioctl_write_ptr_bad!(tiocsserial, libc::TIOCSSERIAL, super::Serial);
    nix::ioctl_read_bad!(tiocmget, libc::TIOCMGET, libc::c_int);
    nix::ioctl_read_bad!(tiocgicount, libc::TIOCGICOUNT, super::Counters);
    nix::ioctl_write_int_bad!(tiocmiwait, libc::TIOCMIWAIT);
}

/// Asks the driver to hand bytes on at once.
pub fn set_low_latency(fd: RawFd) -> nix::Result<()> {
    let mut serial = Serial { kind: 0, line: 0, port: 0, irq: 0, flags: 0, rest: [0; 12] };
    // SAFETY: both ioctls read or write one `serial_struct`, and `Serial` is larger than that.
    unsafe { raw::tiocgserial(fd, &mut serial) }?;
    serial.flags |= LOW_LATENCY;
    // SAFETY: as above.
    unsafe { raw::tiocsserial(fd, &serial) }.map(|_| ())
}

/// Whether a line is asserted.
pub fn level(fd: RawFd, line: Modem) -> nix::Result<bool> {
    let mut bits = 0;
    // SAFETY: TIOCMGET writes one int.
    unsafe { raw::tiocmget(fd, &mut bits) }?;
    Ok(bits & line.bit() != 0)
}

/// Edges of a line, both ways, as the driver has counted them.
pub fn edges(fd: RawFd, line: Modem) -> nix::Result<u32> {
    let mut counters = Counters::default();
    // SAFETY: TIOCGICOUNT writes one `serial_icounter_struct`, 20 ints.
    unsafe { raw::tiocgicount(fd, &mut counters) }?;
    let count = match line {
        Modem::Cts => counters.cts,
        Modem::Dcd => counters.dcd,
    };
    Ok(count.cast_unsigned())
}

/// Waits until a line changes; `EINTR` after [`interrupt`].
pub fn wait_for_edge(fd: RawFd, line: Modem) -> nix::Result<()> {
    // SAFETY: TIOCMIWAIT takes its argument by value.
    unsafe { raw::tiocmiwait(fd, line.bit()) }.map(|_| ())
}

/// The signal that ends a wait: ignored by default, so nobody is harmed by one that comes too late.
const SIGNAL: libc::c_int = libc::SIGURG;

extern "C" fn nothing(_: libc::c_int) {}

/// Makes [`interrupt`] work: SIGURG gets a handler that does nothing, since an ignored signal interrupts nothing.
pub fn interruptible() -> nix::Result<()> {
    let handler: extern "C" fn(libc::c_int) = nothing;
    // SAFETY: an all-zero `sigaction` is a valid one (no flags, so waits are not restarted; an empty mask), and the
    // handler does nothing, which is allowed in a signal handler.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as libc::sighandler_t;
        libc::sigaction(SIGNAL, &action, std::ptr::null_mut())
    };
    Errno::result(result).map(|_| ())
}

/// Interrupts the system call that a thread waits in.
pub fn interrupt(thread: &JoinHandle<()>) {
    // SAFETY: the handle is not joined yet, so its pthread_t is valid even if the thread has ended.
    unsafe { libc::pthread_kill(thread.as_pthread_t(), SIGNAL) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genlock::source::SourceHandle;

    #[test]
    fn a_thread_that_waits_in_the_kernel_is_woken_for_its_end() {
        interruptible().unwrap();
        let (read, _write) = nix::unistd::pipe().unwrap();
        let handle = SourceHandle::spawn("waiting", move |stop| {
            stop.set_waker(Some(Box::new(interrupt)));
            while !stop.is_stopped() {
                assert_eq!(nix::unistd::read(&read, &mut [0]), Err(Errno::EINTR));
            }
        });
        drop(handle.unwrap());
    }

    #[test]
    fn a_pseudo_terminal_refuses_what_only_a_port_has() {
        let (_master, slave) = serialport::TTYPort::pair().unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&slave);
        assert_eq!(set_low_latency(fd), Err(Errno::ENOTTY));
        assert_eq!(level(fd, Modem::Cts), Err(Errno::ENOTTY));
        assert_eq!(edges(fd, Modem::Dcd), Err(Errno::ENOTTY));
        assert_eq!(wait_for_edge(fd, Modem::Cts), Err(Errno::ENOTTY));
    }
}
