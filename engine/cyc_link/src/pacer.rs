//! Waking at absolute instants: real-time scheduling, locked memory, a short spin.
//!
//! A thread sleeps until a little before the instant (clock_nanosleep(2), absolute) and spins the rest. How much a
//! little is, is learned from how late the kernel wakes it, and is bounded, so that the spin costs at most
//! [`SPIN_SHARE`] of a frame. One thread at a time holds the real-time rights: the one that waits for the beat.
//! Whatever is refused is named with the fix, and the stage runs with the best there is.
//!
//! A real-time thread that never rests would keep every ordinary thread of its CPU from running. A guard of higher
//! priority takes the rights away from a frame that works longer than [`LEASH_NANOS`], until its next beat.

mod guard;
mod report;

pub use report::{Grant, PacerReport, Right};
pub(crate) use report::{MEMORY_FIX, PRIORITY_FIX};

use crate::sys::{self, Policy};
use cyc_core::Rate;
use cyc_stage::stage::Pacer as Plan;
use guard::Guard;
use nix::errno::Errno;
use nix::libc;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::prctl;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::time::{TimeSpec, TimeValLike};
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};
use nix::unistd::{Pid, gettid};
use std::cell::Cell;

/// A learned spin is at most this part of a frame: a frame waits for its beat, its late poses and its deadline, and
/// all three together stay below a twentieth.
pub const SPIN_SHARE: i64 = 64;

/// A spin that the stage file asks for is at most this part of a frame.
const ASKED_SHARE: i64 = 20;

/// How long a frame may work with real-time rights, in nanoseconds.
pub const LEASH_NANOS: i64 = 1_000_000_000;

/// What an ordinary thread spins, in nanoseconds: a little more than the 50 us of timer slack that Linux gives it
/// (prctl(2), PR_SET_TIMERSLACK).
const ORDINARY_NANOS: i64 = 60_000;

/// A wake-up should come at least this long before the instant, in nanoseconds.
const SPARE_NANOS: i64 = 4_000;

/// How far one late wake-up widens the lead, in nanoseconds, and how many others take that back: in balance one of
/// so many comes late.
const WIDEN_NANOS: i64 = 25_000;
const WAKES_A_MISS: i64 = 500;

/// How long before an instant a thread is woken, learned from how late it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lead {
    nanos: i64,
    least: i64,
    most: i64,
}

impl Lead {
    /// What a thread without a pacer has; it learns nothing.
    pub const ORDINARY: Lead = Lead { nanos: ORDINARY_NANOS, least: ORDINARY_NANOS, most: ORDINARY_NANOS };

    /// Starts with `asked` nanoseconds and never goes below; 0 never spins.
    pub fn new(asked: i64, rate: Rate) -> Self {
        let frame = rate.frame_nanos();
        let least = asked.clamp(0, frame / ASKED_SHARE);
        let most = if least == 0 { 0 } else { least.max(frame / SPIN_SHARE) };
        Self { nanos: least, least, most }
    }

    /// The lead now, in nanoseconds.
    pub fn nanos(self) -> i64 {
        self.nanos
    }

    /// The kernel woke the thread `late` nanoseconds after it should have.
    pub fn learn(&mut self, late: i64) {
        let step =
            if late.saturating_add(SPARE_NANOS) > self.nanos { WIDEN_NANOS } else { -(WIDEN_NANOS / WAKES_A_MISS) };
        self.nanos = (self.nanos + step).clamp(self.least, self.most);
    }
}

thread_local! {
    static LEAD: Cell<Lead> = const { Cell::new(Lead::ORDINARY) };
}

/// CLOCK_MONOTONIC in nanoseconds.
pub fn monotonic_nanos() -> i64 {
    // The clock exists on every Linux, so a failure can only be a wrong constant; 0 keeps it visible.
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |t| t.num_nanoseconds())
}

/// Returns when CLOCK_MONOTONIC shows `nanos`, or at once if that has passed; never early.
pub fn sleep_until_monotonic(nanos: i64) {
    let lead = LEAD.get();
    let alarm = nanos.saturating_sub(lead.nanos);
    if monotonic_nanos() < alarm {
        let request = TimeSpec::nanoseconds(alarm.max(0));
        let flags = ClockNanosleepFlags::TIMER_ABSTIME;
        while clock_nanosleep(ClockId::CLOCK_MONOTONIC, flags, &request) == Err(Errno::EINTR) {}
        let mut learned = lead;
        learned.learn(monotonic_nanos().saturating_sub(alarm));
        LEAD.set(learned);
    }
    // At most the lead, since the alarm has gone off. Without the processor's pause hint: a hypervisor takes a row of
    // pauses for a lock that is waited for, and gives the processor away.
    while monotonic_nanos() < nanos {}
}

/// The calling thread's lead.
pub fn lead() -> Lead {
    LEAD.get()
}

/// Gives the thread that waits for the beat what the stage file asks for and the machine permits.
#[derive(Debug)]
pub struct Pacer {
    plan: Plan,
    lead: Lead,
    held: Option<Held>,
    guard: Option<Guard>,
}

/// What a thread was given, and how to take it back.
#[derive(Debug)]
struct Held {
    thread: i32,
    fifo: Option<u8>,
    cpus_before: Option<CpuSet>,
}

impl Pacer {
    /// For a stage of `rate`; gives nothing yet.
    pub fn new(plan: Plan, rate: Rate) -> Self {
        Self { plan, lead: Lead::new(plan.spin_nanos, rate), held: None, guard: None }
    }

    /// Gives the calling thread all that is permitted and takes it from the thread that had it.
    ///
    /// Threads that this one starts later inherit its CPU, and no priority; so start drivers and workers first.
    pub fn apply(&mut self) -> PacerReport {
        self.release();
        let thread = gettid().as_raw();
        LEAD.set(self.lead);
        let mut report = PacerReport::default();
        let mut held = Held { thread, fifo: None, cpus_before: None };
        if let Some(priority) = self.plan.priority {
            let outcome = self.raise(thread, priority);
            held.fifo = outcome.ok();
            report.push(Right::Priority, report::priority(priority, outcome));
        }
        if let Some(cpu) = self.plan.cpu {
            let outcome = pin(cpu);
            report.push(Right::Cpu, report::cpu(cpu, outcome.as_ref().err().copied()));
            held.cpus_before = outcome.ok();
        }
        if self.plan.lock_memory {
            report.push(Right::Memory, report::memory(lock_memory()));
        }
        report.push(Right::Timers, report::timers(prctl::set_timerslack(1)));
        self.held = Some(held);
        report
    }

    /// SCHED_FIFO, one below its guard; without a guard there is none.
    fn raise(&mut self, thread: i32, priority: u8) -> Result<u8, Errno> {
        let priority = priority.clamp(1, guard::HIGHEST - 1);
        let guard = match self.guard.take() {
            Some(guard) => guard,
            None => Guard::start(priority + 1)?,
        };
        sys::set_policy(thread, Policy::Fifo(priority))?;
        guard.watch(thread);
        self.guard = Some(guard);
        Ok(priority)
    }

    /// The thread is about to wait for a beat; call it there, so that a wait is not taken for work.
    pub fn rest(&self) {
        if let Some(guard) = &self.guard {
            guard.rest();
        }
    }

    /// The beat has come. Renews what the guard took away, and follows a beat that is waited for on another thread
    /// than before; the report says what that thread was given.
    pub fn work(&mut self) -> Option<PacerReport> {
        let held = self.held.as_ref()?;
        if held.thread != gettid().as_raw() {
            return Some(self.apply());
        }
        if let (Some(guard), Some(priority)) = (&self.guard, held.fifo)
            && guard.work()
        {
            // It was granted before; if the right is gone meanwhile, the thread stays ordinary.
            let _ = sys::set_policy(held.thread, Policy::Fifo(priority));
        }
        None
    }

    /// How often the guard had to take the rights away.
    pub fn overworked(&self) -> u64 {
        self.guard.as_ref().map_or(0, Guard::taken)
    }

    fn release(&mut self) {
        let Some(held) = self.held.take() else { return };
        if let Some(guard) = &self.guard {
            guard.rest();
        }
        // A thread that has ended gave everything back, and its number may be somebody else's.
        if !is_ours(held.thread) {
            return;
        }
        if held.fifo.is_some() {
            let _ = sys::set_policy(held.thread, Policy::Ordinary);
        }
        if let Some(cpus) = held.cpus_before {
            let _ = sched_setaffinity(Pid::from_raw(held.thread), &cpus);
        }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.release();
    }
}

/// Whether a thread of this number lives in this process.
fn is_ours(thread: i32) -> bool {
    std::path::Path::new("/proc/self/task").join(thread.to_string()).exists()
}

/// Pins the calling thread and returns where it could run before.
fn pin(cpu: u32) -> Result<CpuSet, Errno> {
    let before = sched_getaffinity(Pid::from_raw(0))?;
    let mut wanted = CpuSet::new();
    wanted.set(cpu as usize)?;
    sched_setaffinity(Pid::from_raw(0), &wanted)?;
    Ok(before)
}

/// Keeps what is touched in memory. Only where there is no limit: under one, the memory that a driver asks for
/// later would be refused, which no driver survives.
fn lock_memory() -> Result<(), Errno> {
    if !may_lock_memory() {
        return Err(Errno::ENOMEM);
    }
    let on_fault = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_fault)
}

/// Whether this process may lock as much memory as it likes.
pub fn may_lock_memory() -> bool {
    getrlimit(Resource::RLIMIT_MEMLOCK).is_ok_and(|(limit, _)| limit == RLIM_INFINITY) || has_capability(CAP_IPC_LOCK)
}

/// Whether the calling thread may run on a CPU.
pub fn can_pin(cpu: u32) -> bool {
    sched_getaffinity(Pid::from_raw(0)).and_then(|allowed| allowed.is_set(cpu as usize)).unwrap_or(false)
}

/// Number of CAP_IPC_LOCK (capabilities(7), linux/capability.h).
const CAP_IPC_LOCK: u32 = 14;

/// Whether this process has a capability in effect.
fn has_capability(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).is_some_and(|mask| mask >> number & 1 == 1)
}

/// Whether this process would be given SCHED_FIFO of `priority` and its guard; tried on a thread that ends at once.
///
/// # Errors
/// EPERM without the right to it; EAGAIN if there is no thread.
pub fn try_priority(priority: u8) -> Result<(), Errno> {
    let priority = priority.clamp(1, guard::HIGHEST - 1);
    let tried = std::thread::Builder::new()
        .name("pacer-trial".to_owned())
        .spawn(move || sys::set_policy(0, Policy::Fifo(priority + 1)));
    tried.map_err(|_| Errno::EAGAIN)?.join().unwrap_or(Err(Errno::EAGAIN))
}

#[cfg(test)]
mod tests;
