//! Gets missing packages through apt, or says exactly what to type.

use std::io::{IsTerminal, stdin};
use std::process::Command;

use crate::machine::{self, RealMachine};
use crate::needs::{Purpose, missing_packages};
use crate::steps::{Failed, say};

/// Who may install packages here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    Root,
    /// `sudo` may ask for a password, since somebody is there to type it.
    Sudo,
    /// `sudo` must not ask.
    SudoUnasked,
}

/// Installs what `machine` lacks for `purpose`; does nothing where it lacks nothing.
///
/// # Errors
/// When packages are missing and cannot be installed here, with the command that would do it.
pub fn set_up(machine: &RealMachine, purpose: Purpose) -> Result<(), Failed> {
    if !cfg!(target_os = "linux") {
        say("set-up knows Linux only; going on with what is here");
        return Ok(());
    }
    let packages = missing_packages(machine, purpose);
    if packages.is_empty() {
        say("nothing is missing");
        return Ok(());
    }
    say(format_args!("missing: {}", packages.join(" ")));
    if machine::find_command("apt-get").is_none() {
        let message = "there is no apt-get here; install what these Debian packages hold and run this again";
        return Err(Failed(format!("{message}: {}", packages.join(" "))));
    }
    install(&packages)?;
    // A renamed or half-installed package would otherwise show up as a strange failure much later.
    let still = missing_packages(&RealMachine::look(), purpose);
    if still.is_empty() {
        return Ok(());
    }
    Err(Failed(format!("apt reported success, but these are still not usable: {}", still.join(" "))))
}

fn install(packages: &[&str]) -> Result<(), Failed> {
    let Some(rights) = rights() else {
        return Err(Failed(format!(
            "installing needs root and there is no sudo; run this as root, then again:\n  {}",
            advice(packages)
        )));
    };
    run(&update_command(rights), packages)?;
    run(&install_command(rights, packages), packages)
}

fn rights() -> Option<Rights> {
    if machine::is_root() {
        return Some(Rights::Root);
    }
    machine::find_command("sudo")?;
    Some(if stdin().is_terminal() { Rights::Sudo } else { Rights::SudoUnasked })
}

fn update_command(rights: Rights) -> Vec<String> {
    apt_get(rights, &["update", "-q"])
}

fn install_command(rights: Rights, packages: &[&str]) -> Vec<String> {
    let mut args = vec!["install", "-qy", "--no-install-recommends"];
    args.extend(packages);
    apt_get(rights, &args)
}

fn apt_get(rights: Rights, args: &[&str]) -> Vec<String> {
    let prefix: &[&str] = match rights {
        Rights::Root => &[],
        Rights::Sudo => &["sudo"],
        Rights::SudoUnasked => &["sudo", "-n"],
    };
    // `env` stands behind sudo, because sudo drops the caller's environment.
    // The lock option waits for a package manager that is still busy, as just after a machine was started.
    let fixed = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"];
    prefix.iter().chain(&fixed).chain(args).map(|&word| word.to_owned()).collect()
}

fn run(command: &[String], packages: &[&str]) -> Result<(), Failed> {
    say(format_args!("$ {}", command.join(" ")));
    let Some((program, args)) = command.split_first() else { return Ok(()) };
    let problem = match Command::new(program).args(args).status() {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("ended with {status}"),
        Err(error) => format!("could not be started: {error}"),
    };
    Err(Failed(format!(
        "`{}` {problem}\nIs there a network, and may you install packages? By hand it would be:\n  {}",
        command.join(" "),
        advice(packages)
    )))
}

fn advice(packages: &[&str]) -> String {
    format!("apt-get update && apt-get install --no-install-recommends {}", packages.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_needs_no_sudo() {
        assert_eq!(update_command(Rights::Root)[0], "env");
    }

    #[test]
    fn sudo_asks_only_where_somebody_can_answer() {
        assert_eq!(update_command(Rights::Sudo)[..2], ["sudo", "env"]);
        assert_eq!(update_command(Rights::SudoUnasked)[..3], ["sudo", "-n", "env"]);
    }

    #[test]
    fn install_never_asks_and_names_every_package() {
        let command = install_command(Rights::Root, &["gcc", "xvfb"]);
        assert!(command.contains(&"DEBIAN_FRONTEND=noninteractive".to_owned()));
        assert!(command.contains(&"-qy".to_owned()));
        assert!(command.ends_with(&["gcc".to_owned(), "xvfb".to_owned()]));
    }

    #[test]
    fn the_advice_can_be_pasted() {
        assert_eq!(advice(&["gcc"]), "apt-get update && apt-get install --no-install-recommends gcc");
    }
}
