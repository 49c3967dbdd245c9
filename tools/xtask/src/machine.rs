//! What this machine has, found by looking: no package manager is asked, so that looking is quick everywhere.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The questions that [`crate::needs`] asks of a machine; tests answer them from a list.
pub trait Machine {
    /// Is a program of this name on the search path?
    fn has_command(&self, name: &str) -> bool;
    /// Does the dynamic linker find a library with this soname?
    fn has_library(&self, soname: &str) -> bool;
    /// Does this file exist?
    fn has_file(&self, path: &str) -> bool;
    /// Is there a graphics device that a Vulkan driver could drive?
    fn has_gpu(&self) -> bool;
    /// File names of the Vulkan driver manifests, or the user's own choice.
    fn vulkan_drivers(&self) -> &Drivers;
}

/// Which Vulkan drivers the loader would see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drivers {
    /// The user named them in `VK_DRIVER_FILES` or `VK_ICD_FILENAMES`: nothing to add to that.
    Chosen,
    /// File names of manifests in the loader's folders.
    Found(Vec<String>),
}

/// The machine this program runs on, as seen once by [`RealMachine::look`].
pub struct RealMachine {
    libraries: BTreeSet<String>,
    drivers: Drivers,
}

impl RealMachine {
    /// Looks at the machine.
    pub fn look() -> Self {
        Self { libraries: known_libraries(), drivers: known_drivers() }
    }
}

impl Machine for RealMachine {
    fn has_command(&self, name: &str) -> bool {
        find_command(name).is_some()
    }

    fn has_library(&self, soname: &str) -> bool {
        self.libraries.contains(soname)
    }

    fn has_file(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn has_gpu(&self) -> bool {
        Path::new("/dev/nvidia0").exists() || names_in("/dev/dri").iter().any(|name| name.starts_with("renderD"))
    }

    fn vulkan_drivers(&self) -> &Drivers {
        &self.drivers
    }
}

/// Is there a display to open windows on?
pub fn has_display() -> bool {
    is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Is this a run without a person? True where `CI` is set to anything but empty, `0` or `false`.
pub fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// The first program of this name on the search path.
pub fn find_command(name: &str) -> Option<PathBuf> {
    // The system folders are added: an ordinary user's search path lacks them on Debian, and apt lives there.
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
}

/// Does this process run as root?
pub fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn names_in(folder: impl AsRef<Path>) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn known_libraries() -> BTreeSet<String> {
    let mut libraries: BTreeSet<String> = find_command("ldconfig")
        .and_then(|ldconfig| Command::new(ldconfig).arg("-p").output().ok())
        .map(|output| sonames(&String::from_utf8_lossy(&output.stdout)))
        .unwrap_or_default();
    let own = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    for folder in env::split_paths(&own).filter(|folder| !folder.as_os_str().is_empty()) {
        libraries.extend(names_in(folder));
    }
    libraries
}

/// The sonames in the output of `ldconfig -p`: `\tlibX11.so.6 (libc6,x86-64) => /lib/...` a line.
fn sonames(listing: &str) -> BTreeSet<String> {
    listing
        .lines()
        .filter(|line| line.contains(" => "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn known_drivers() -> Drivers {
    if is_set("VK_DRIVER_FILES") || is_set("VK_ICD_FILENAMES") {
        return Drivers::Chosen;
    }
    // The Vulkan loader's own search order: configuration, then data folders, system-wide and of the user.
    let data = env::var_os("XDG_DATA_DIRS").filter(|value| !value.is_empty());
    let data = data.unwrap_or_else(|| OsStr::new("/usr/local/share:/usr/share").to_owned());
    let mut folders = vec![PathBuf::from("/etc"), PathBuf::from("/usr/local/etc")];
    folders.extend(env::split_paths(&data));
    if let Some(home) = env::var_os("HOME") {
        folders.push(Path::new(&home).join(".local/share"));
    }
    let manifests = folders.iter().flat_map(|folder| names_in(folder.join("vulkan/icd.d")));
    Drivers::Found(manifests.filter(|name| name.ends_with(".json")).collect())
}

#[cfg(test)]
mod tests {
    use super::sonames;

    #[test]
    fn sonames_come_from_the_first_column() {
        let listing = "3 libs found in cache `/etc/ld.so.cache'\n\
                       \tlibxkbcommon.so.0 (libc6,x86-64) => /lib/x86_64-linux-gnu/libxkbcommon.so.0\n\
                       \tlibX11.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libX11.so.6\n\
                       Cache generated by: ldconfig\n";
        let found = sonames(listing);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["libX11.so.6", "libxkbcommon.so.0"]);
    }
}
