use super::*;
use crate::doctor::devices::{Wants, latency, midi};
use crate::doctor::{clocks::clock_source, cpu, network};
use cyc_stage::stage::Pacer;

fn names_of(checks: &[Check]) -> Vec<&str> {
    checks.iter().map(|check| check.name.as_str()).collect()
}

#[test]
fn a_check_is_one_line_and_its_fix_below() {
    assert_eq!(Check::good("CLOCK_TAI", "37 s").to_string(), "good     CLOCK_TAI            37 s");
    let poor = Check::poor("receive buffer", "up to 208 KiB", "`sysctl -w net.core.rmem_max=1048576`").to_string();
    let lines: Vec<&str> = poor.lines().collect();
    assert_eq!(lines[0], "poor     receive buffer       up to 208 KiB");
    assert_eq!(lines[1].trim_start(), "fix: `sysctl -w net.core.rmem_max=1048576`");
    assert_eq!(lines[1].find("fix"), Some(30));
    let missing = Check::missing("MIDI", "no port", "plug it in");
    assert!(
        !all_good(std::slice::from_ref(&missing))
            && all_good(&[Check::good("a", "b")])
            && missing.to_string().starts_with("missing")
    );
}

#[test]
fn this_machine_is_looked_at_without_a_stage_and_nothing_is_missing() {
    let checks = machine_checks(None);
    for name in [
        "clock source",
        "CLOCK_TAI",
        "PTP hardware clocks",
        "real-time priority",
        "locked memory",
        "CPUs",
        "receive buffer",
        "receive stamps",
        "sound in",
        "sound out",
        "MIDI",
        "serial ports",
        "displays",
    ] {
        assert!(names_of(&checks).contains(&name), "{name} in {:?}", names_of(&checks));
    }
    for check in &checks {
        assert_ne!(check.verdict, Verdict::Missing, "{check}");
        assert_eq!(check.verdict == Verdict::Good, check.fix.is_none(), "{check}");
        assert!(!check.found.is_empty() && !check.found.contains('\n'), "{check}");
    }
}

#[test]
fn clocks_that_are_slow_to_read_are_poor() {
    for good in ["tsc", "kvm-clock", "arch_sys_counter"] {
        assert_eq!(clock_source(Some(good)).verdict, Verdict::Good);
    }
    for poor in ["hpet", "acpi_pm", "jiffies"] {
        assert_eq!(clock_source(Some(poor)).verdict, Verdict::Poor);
    }
    assert_eq!(clock_source(None).verdict, Verdict::Good);
}

#[test]
fn what_real_time_threads_may_have_is_judged() {
    assert_eq!(cpu::throttling(Some(950_000), Some(1_000_000)).verdict, Verdict::Good);
    assert_eq!(cpu::throttling(Some(-1), Some(1_000_000)).verdict, Verdict::Good);
    assert_eq!(cpu::throttling(Some(0), Some(1_000_000)).verdict, Verdict::Poor);
    assert_eq!(cpu::throttling(None, None).verdict, Verdict::Good);
}

#[test]
fn kernels_that_do_not_let_themselves_be_interrupted_are_poor() {
    for good in ["rt", "full", "lazy"] {
        assert_eq!(cpu::preemption(Some(good)).verdict, Verdict::Good);
    }
    for poor in ["none", "voluntary"] {
        assert_eq!(cpu::preemption(Some(poor)).verdict, Verdict::Poor);
    }
    assert_eq!(cpu::preemption(None).verdict, Verdict::Good);
    assert_eq!(cpu::model_in_braces("none voluntary (full) lazy").as_deref(), Some("full"));
    assert_eq!(cpu::model_in_braces("none"), None);
    let built =
        "CONFIG_PREEMPT_BUILD=y\nCONFIG_PREEMPT_NONE=y\n# CONFIG_PREEMPT is not set\nCONFIG_PREEMPT_DYNAMIC=y\n";
    assert_eq!(cpu::model_of_build(built).as_deref(), Some("none"));
    assert_eq!(cpu::model_of_build("CONFIG_PREEMPT=y").as_deref(), Some("full"));
    assert_eq!(cpu::model_of_build(""), None);
}

#[test]
fn governors_and_sleep_states_that_cost_time_are_poor() {
    let governor = |names: &[&str]| cpu::governor(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).verdict;
    assert_eq!(governor(&[]), Verdict::Good);
    assert_eq!(governor(&["performance"]), Verdict::Good);
    assert_eq!(governor(&["performance", "schedutil"]), Verdict::Poor);
    assert_eq!(governor(&["powersave"]), Verdict::Poor);
    assert_eq!(cpu::sleep_states(&[]).verdict, Verdict::Good);
    assert_eq!(cpu::sleep_states(&[2, 133]).verdict, Verdict::Good);
    assert_eq!(cpu::sleep_states(&[2, 890]).verdict, Verdict::Poor);
}

#[test]
fn a_cpu_for_the_frame_thread_must_be_there_and_should_be_its_own() {
    let plan = |cpu| Pacer { cpu, ..Pacer::default() };
    let allowed = (0..1024).find(|cpu| crate::pacer::can_pin(*cpu)).unwrap();
    assert_eq!(cpu::isolation(&plan(None), None, 8).verdict, Verdict::Good);
    assert_eq!(cpu::isolation(&plan(Some(1023)), Some("1023"), 8).verdict, Verdict::Missing);
    assert_eq!(cpu::isolation(&plan(Some(allowed)), None, 8).verdict, Verdict::Poor);
    assert_eq!(cpu::isolation(&plan(Some(allowed)), Some(&allowed.to_string()), 8).verdict, Verdict::Good);
    assert!(cpu::holds("2-3,7", 3) && cpu::holds("2-3,7", 7) && !cpu::holds("2-3,7", 4) && !cpu::holds("", 0));
    assert!(!cpu::holds("nonsense,-,3-", 3));
}

#[test]
fn small_receive_buffers_are_poor() {
    assert_eq!(network::buffer(Some(212_992)).verdict, Verdict::Poor);
    assert_eq!(network::buffer(Some(4 << 20)).verdict, Verdict::Good);
    assert_eq!(network::buffer(None).verdict, Verdict::Good);
}

#[test]
fn midi_ports_that_are_asked_for_must_be_there() {
    let there = || Ok(vec!["Midi Through Port-0".to_owned(), "MOTU M4 MIDI 1".to_owned()]);
    assert_eq!(midi(there(), &[]).verdict, Verdict::Good);
    assert_eq!(midi(there(), &["MOTU".into()]).verdict, Verdict::Good);
    let missing = midi(there(), &["MOTU".into(), "Rosendahl".into()]);
    assert_eq!(missing.verdict, Verdict::Missing);
    assert!(missing.found.contains("contains \"Rosendahl\"; there are: Midi Through Port-0, MOTU"), "{missing}");
    assert_eq!(midi(Err("no sequencer".into()), &[]).verdict, Verdict::Good);
    assert!(midi(Err("no sequencer".into()), &["MOTU".into()]).found.contains("no ALSA sequencer"));
}

#[test]
fn adapters_that_hold_bytes_back_are_poor_where_they_are_used() {
    assert_eq!(latency("/dev/ttyUSB0", Some(16), false), None);
    assert_eq!(latency("/dev/ttyUSB0", Some(1), true), None);
    assert_eq!(latency("/dev/ttyUSB0", None, true), None);
    let check = latency("/dev/ttyUSB0", Some(16), true).unwrap();
    assert!(check.fix.unwrap().contains("devices/ttyUSB0/latency_timer"));
}

#[test]
fn a_stage_without_devices_wants_none() {
    assert_eq!(Wants::default(), Wants { sound_in: Vec::new(), ..Wants::default() });
}
