//! Real-time rights and processors.

use super::{Check, line, names};
use crate::pacer::{self, MEMORY_FIX, PRIORITY_FIX};
use cyc_stage::stage::{Pacer, Stage};
use std::path::Path;

/// A processor that takes longer than this to wake is slower than the learned spin, microseconds.
const SLOW_WAKE_MICROS: u64 = 250;

pub(super) fn checks(stage: Option<&Stage>) -> Vec<Check> {
    let plan = stage.map(|stage| stage.pacer).unwrap_or_default();
    let value = |name: &str| line(Path::new("/proc/sys/kernel").join(name)).and_then(|text| text.parse().ok());
    let mut checks = Vec::new();
    if let Some(priority) = plan.priority {
        checks.push(real_time(priority));
        checks.push(throttling(value("sched_rt_runtime_us"), value("sched_rt_period_us")));
    }
    checks.push(preemption(preemption_model().as_deref()));
    if plan.lock_memory {
        checks.push(memory());
    }
    checks.push(governor(&governors()));
    checks.push(sleep_states(&wake_micros()));
    checks.push(isolation(&plan, line("/sys/devices/system/cpu/isolated").as_deref(), online()));
    checks
}

fn real_time(priority: u8) -> Check {
    const NAME: &str = "real-time priority";
    match pacer::try_priority(priority) {
        Ok(()) => Check::good(NAME, format!("SCHED_FIFO {priority} and its guard are granted")),
        Err(error) => Check::poor(NAME, format!("SCHED_FIFO {priority} is refused: {}", error.desc()), PRIORITY_FIX),
    }
}

/// How much of a second real-time threads may have (sched(7)).
pub(super) fn throttling(runtime: Option<i64>, period: Option<i64>) -> Check {
    const NAME: &str = "real-time share";
    match (runtime, period) {
        (Some(-1), _) => Check::good(NAME, "not limited; the pacer's guard takes its rights from a frame that hangs"),
        (Some(runtime), Some(period)) if runtime * 2 < period => Check::poor(
            NAME,
            format!("real-time threads are stopped after {runtime} of every {period} us"),
            "`sysctl -w kernel.sched_rt_runtime_us=950000`",
        ),
        (Some(runtime), Some(period)) => Check::good(NAME, format!("{runtime} of every {period} us")),
        _ => Check::good(NAME, "not told by this kernel"),
    }
}

/// How this kernel lets itself be interrupted, as it says in one of the places where it may.
fn preemption_model() -> Option<String> {
    if line("/sys/kernel/realtime").as_deref() == Some("1") {
        return Some("rt".to_owned());
    }
    let booted = line("/proc/cmdline").unwrap_or_default();
    let asked = booted.split_whitespace().find_map(|word| word.strip_prefix("preempt=")).map(str::to_owned);
    let running = || model_in_braces(&line("/sys/kernel/debug/sched/preempt")?);
    asked.or_else(running).or_else(|| model_of_build(&build_configuration()?))
}

/// The model in "none voluntary (full)", as the scheduler's debug file has it.
pub(super) fn model_in_braces(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('(')?;
    rest.split_once(')').map(|(model, _)| model.to_owned())
}

/// The model that a kernel was built with.
pub(super) fn model_of_build(configuration: &str) -> Option<String> {
    const MODELS: [(&str, &str); 5] = [
        ("CONFIG_PREEMPT_RT=y", "rt"),
        ("CONFIG_PREEMPT=y", "full"),
        ("CONFIG_PREEMPT_LAZY=y", "lazy"),
        ("CONFIG_PREEMPT_VOLUNTARY=y", "voluntary"),
        ("CONFIG_PREEMPT_NONE=y", "none"),
    ];
    let has = |wanted: &str| configuration.lines().any(|line| line == wanted);
    MODELS.into_iter().find(|(line, _)| has(line)).map(|(_, model)| model.to_owned())
}

fn build_configuration() -> Option<String> {
    let release = line("/proc/sys/kernel/osrelease")?;
    let unpacked = || {
        let output = std::process::Command::new("zcat").arg("/proc/config.gz").output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned()).filter(|text| !text.is_empty())
    };
    line(format!("/boot/config-{release}")).or_else(unpacked)
}

/// Whether the kernel lets itself be interrupted for a real-time thread; one that does not may finish what it does for
/// another program first, which can take milliseconds.
pub(super) fn preemption(model: Option<&str>) -> Check {
    const NAME: &str = "kernel preemption";
    match model {
        None => Check::good(NAME, "not told by this kernel"),
        Some(model @ ("rt" | "full" | "lazy")) => Check::good(NAME, model),
        Some(model) => Check::poor(
            NAME,
            format!("{model}: a frame may have to wait for milliseconds while the kernel works for another program"),
            "boot with `preempt=full` (Debian: GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, `update-grub`)",
        ),
    }
}

fn memory() -> Check {
    const NAME: &str = "locked memory";
    if pacer::may_lock_memory() {
        Check::good(NAME, "not limited")
    } else {
        Check::poor(NAME, "limited: the program's memory may be swapped out", MEMORY_FIX)
    }
}

/// The processors' folders in /sys.
fn processors() -> Vec<std::path::PathBuf> {
    let folder = Path::new("/sys/devices/system/cpu");
    let numbered = |name: &String| name.strip_prefix("cpu").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    names(folder).into_iter().filter(numbered).map(|name| folder.join(name)).collect()
}

fn governors() -> Vec<String> {
    let mut governors: Vec<String> =
        processors().iter().filter_map(|cpu| line(cpu.join("cpufreq/scaling_governor"))).collect();
    governors.sort();
    governors.dedup();
    governors
}

/// How processors choose their frequency.
pub(super) fn governor(governors: &[String]) -> Check {
    const NAME: &str = "CPU frequency";
    match governors {
        [] => Check::good(NAME, "chosen by the firmware or the hypervisor"),
        [one] if one == "performance" => Check::good(NAME, "governor performance"),
        _ => Check::poor(
            NAME,
            format!("governor {}: a frame may begin on a slow processor", governors.join(" and ")),
            "`cpupower frequency-set -g performance` (Debian: linux-cpupower)",
        ),
    }
}

/// Exit latency of each processor's deepest sleep that is not disabled, microseconds.
fn wake_micros() -> Vec<u64> {
    let deepest = |cpu: &std::path::PathBuf| {
        let folder = cpu.join("cpuidle");
        let states = names(&folder).into_iter().map(|state| folder.join(state));
        let enabled = states.filter(|state| line(state.join("disable")).as_deref() != Some("1"));
        enabled.filter_map(|state| line(state.join("latency"))?.parse().ok()).max()
    };
    processors().iter().filter_map(deepest).collect()
}

/// How deep processors sleep.
pub(super) fn sleep_states(wake_micros: &[u64]) -> Check {
    const NAME: &str = "CPU sleep";
    match wake_micros.iter().max() {
        None => Check::good(NAME, "not told by this kernel"),
        Some(micros) if *micros <= SLOW_WAKE_MICROS => Check::good(NAME, format!("wakes within {micros} us")),
        Some(micros) => Check::poor(
            NAME,
            format!("may take {micros} us to wake"),
            format!("`cpupower idle-set -D {SLOW_WAKE_MICROS}`, or boot with `processor.max_cstate=1`"),
        ),
    }
}

fn online() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Whether the CPU that the stage file asks for is there, and left alone.
pub(super) fn isolation(plan: &Pacer, isolated: Option<&str>, online: usize) -> Check {
    const NAME: &str = "CPUs";
    let list = isolated.filter(|list| !list.is_empty());
    let alone = list.map_or("none isolated".to_owned(), |list| format!("isolated: {list}"));
    let found = format!("{online} for this program, {alone}");
    match plan.cpu {
        None => Check::good(NAME, found),
        Some(cpu) if !pacer::can_pin(cpu) => Check::missing(
            NAME,
            format!("{found}; `pacer.cpu = {cpu}` is not one of them"),
            "set `pacer.cpu` to one that `taskset -pc $$` lists",
        ),
        Some(cpu) if !holds(list.unwrap_or_default(), cpu) => Check::poor(
            NAME,
            format!("{found}; CPU {cpu} of the frame thread is everybody's"),
            format!("boot with `isolcpus={cpu} nohz_full={cpu} irqaffinity=0`"),
        ),
        Some(cpu) => Check::good(NAME, format!("{found}; the frame thread is on CPU {cpu}")),
    }
}

/// Whether a kernel's list of CPUs ("2-3,7") holds one.
pub(super) fn holds(list: &str, cpu: u32) -> bool {
    list.split(',').any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.trim().parse().is_ok_and(|first: u32| first <= cpu)
            && last.trim().parse().is_ok_and(|last: u32| cpu <= last)
    })
}
