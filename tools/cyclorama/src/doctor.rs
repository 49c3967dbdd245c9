//! `cyclorama doctor`: what this machine can do for a stage.

use crate::{Failure, app::check_limits, cli::DoctorArgs, stage_file};
use cyc_link::doctor::{Check, all_good, machine_checks};
use cyc_stage::{exposure, stage::Stage};
use cyc_wall::gpu;
use std::process::ExitCode;

/// Prints a line a check, with what can be done under it. Exit code 0 if all is good, 1 if something is not, 2 on a bad
/// stage file.
pub fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let stage = match &args.stage {
        Some(path) => match stage_file::load(path) {
            Some(stage) => Some(stage),
            None => return Ok(ExitCode::from(2)),
        },
        None => None,
    };
    let mut checks = gpu_checks(stage.as_ref());
    checks.extend(machine_checks(stage.as_ref()));
    checks.iter().for_each(|check| println!("{check}"));
    if let Some(stage) = &stage {
        exposures(stage);
    }
    Ok(ExitCode::from(u8::from(!all_good(&checks))))
}

fn gpu_checks(stage: Option<&Stage>) -> Vec<Check> {
    let gpu = match gpu::open() {
        Ok(gpu) => gpu,
        Err(error) => return vec![Check::missing("GPU", "none", error.to_string())],
    };
    let found = format!("{}, pictures up to {} px a side", gpu.name, gpu.max_side_px);
    let mut checks = vec![if gpu.software {
        Check::poor(
            "GPU",
            found,
            "this draws on the CPU, for tests and rehearsal: a stage needs a GPU and its Vulkan driver",
        )
    } else {
        Check::good("GPU", found)
    }];
    if let Some(Err(error)) = stage.map(|stage| check_limits(stage, &gpu)) {
        checks.push(Check::missing("picture sizes", error.to_string(), "see the message"));
    }
    checks
}

/// What the exposure planner says that is no warning, and the phase that suits all cameras best.
fn exposures(stage: &Stage) {
    for plan in exposure::plan(stage) {
        for finding in plan.findings.iter().filter(|finding| finding.code.is_none()) {
            println!("note     camera \"{}\": {}", plan.camera, finding.message);
        }
    }
    if let Some(advice) = exposure::genlock_advice(stage) {
        println!(
            "note     best [genlock] phase_us for all cameras: {:.0} (+- {:.0})",
            advice.phase_us, advice.slack_us
        );
    }
}
