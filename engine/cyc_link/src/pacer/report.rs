//! What a pacer was granted, and how to permit what was refused.

use nix::errno::Errno;
use std::fmt;

/// One of the things that a pacer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// SCHED_FIFO.
    Priority,
    /// A CPU of its own.
    Cpu,
    /// Memory that is not paged out.
    Memory,
    /// Timers without slack.
    Timers,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Right::Priority => "real-time priority",
            Right::Cpu => "frame thread's CPU",
            Right::Memory => "locked memory",
            Right::Timers => "exact timers",
        })
    }
}

/// What became of one right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Which.
    pub right: Right,
    /// Whether it was granted.
    pub granted: bool,
    /// What there is now, for the operator.
    pub found: String,
    /// How to permit it, where it was refused.
    pub fix: Option<String>,
}

/// Everything that a pacer asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PacerReport {
    /// In the order in which it asked; what the stage file does not ask for is not here.
    pub grants: Vec<Grant>,
}

impl PacerReport {
    /// Whether everything was granted.
    pub fn is_complete(&self) -> bool {
        self.grants.iter().all(|grant| grant.granted)
    }

    /// What became of a right; `None` if it was not asked for.
    pub fn grant(&self, right: Right) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.right == right)
    }

    pub(super) fn push(&mut self, right: Right, outcome: Result<String, [String; 2]>) {
        let (granted, found, fix) = match outcome {
            Ok(found) => (true, found, None),
            Err([found, fix]) => (false, found, Some(fix)),
        };
        self.grants.push(Grant { right, granted, found, fix });
    }
}

impl fmt::Display for PacerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, grant) in self.grants.iter().enumerate() {
            let Grant { right, found, fix, .. } = grant;
            write!(f, "{}{right}: {found}", if number == 0 { "" } else { "\n" })?;
            if let Some(fix) = fix {
                write!(f, "\n  {fix}")?;
            }
        }
        Ok(())
    }
}

/// How to be allowed SCHED_FIFO.
pub(crate) const PRIORITY_FIX: &str = "put `@GROUP - rtprio 95` (a group of yours) into /etc/security/limits.conf and \
    log in again, or `setcap cap_sys_nice,cap_ipc_lock+ep PROGRAM`, or set `pacer.priority = 0` to do without";

/// How to be allowed to lock memory.
pub(crate) const MEMORY_FIX: &str = "put `@GROUP - memlock unlimited` (a group of yours) into \
    /etc/security/limits.conf and log in again, or `setcap cap_sys_nice,cap_ipc_lock+ep PROGRAM`, or set \
    `pacer.lock_memory = false`";

/// The outcome of asking for SCHED_FIFO with the priority `asked`.
pub(super) fn priority(asked: u8, outcome: Result<u8, Errno>) -> Result<String, [String; 2]> {
    match outcome {
        Ok(priority) => Ok(format!("SCHED_FIFO {priority}")),
        Err(Errno::EPERM) => {
            let found = format!("SCHED_FIFO {asked} is refused; the frame thread shares the CPU with all others");
            Err([found, PRIORITY_FIX.to_owned()])
        }
        Err(error) => {
            let fix = "where a container or cgroup refuses it, give that a real-time budget (cpu.rt_runtime_us)";
            Err([format!("SCHED_FIFO {asked} failed: {}", error.desc()), fix.to_owned()])
        }
    }
}

/// The outcome of pinning to `cpu`.
pub(super) fn cpu(cpu: u32, error: Option<Errno>) -> Result<String, [String; 2]> {
    let Some(error) = error else { return Ok(format!("CPU {cpu}")) };
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let found = format!("CPU {cpu} is refused ({}); the frame thread runs anywhere", error.desc());
    let fix = format!("this program may use {count} CPUs, `taskset -pc $$` lists them; set `pacer.cpu` to one of them");
    Err([found, fix])
}

/// The outcome of locking memory.
pub(super) fn memory(outcome: Result<(), Errno>) -> Result<String, [String; 2]> {
    match outcome {
        Ok(()) => Ok("what is touched stays in memory".to_owned()),
        Err(Errno::ENOMEM | Errno::EPERM) => {
            Err(["the limit on locked memory is too small; pages may be swapped out".to_owned(), MEMORY_FIX.to_owned()])
        }
        Err(error) => Err([format!("failed: {}", error.desc()), MEMORY_FIX.to_owned()]),
    }
}

/// The outcome of giving up timer slack.
pub(super) fn timers(outcome: Result<(), Errno>) -> Result<String, [String; 2]> {
    match outcome {
        Ok(()) => Ok("1 ns of slack".to_owned()),
        Err(error) => Err([
            format!("timers may come 50 us late: {}", error.desc()),
            "a seccomp filter refuses prctl(PR_SET_TIMERSLACK); allow it to this program".to_owned(),
        ]),
    }
}
