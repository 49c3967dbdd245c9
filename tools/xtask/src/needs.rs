//! Which Debian packages a machine lacks, as one table.

use crate::machine::{Drivers, Machine};

/// What the machine is set up for; each purpose includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Building, and drawing into pictures.
    Headless,
    /// Also wall outputs as windows.
    Windows,
    /// Also a display of its own for the window tests.
    Test,
}

/// Where to look for a thing.
enum Sign {
    Command(&'static str),
    Library(&'static str),
    File(&'static str),
    VulkanDriver,
}

struct Need {
    from: Purpose,
    sign: Sign,
    package: &'static str,
}

const fn need(from: Purpose, sign: Sign, package: &'static str) -> Need {
    Need { from, sign, package }
}

/// Nothing of Cyclorama is linked against these libraries; the window and Vulkan crates open them by soname.
const NEEDS: [Need; 14] = [
    need(Purpose::Headless, Sign::File("/etc/ssl/certs/ca-certificates.crt"), "ca-certificates"),
    need(Purpose::Headless, Sign::Command("cc"), "gcc"),
    need(Purpose::Headless, Sign::File("/usr/include/stdlib.h"), "libc6-dev"),
    need(Purpose::Headless, Sign::Command("pkg-config"), "pkg-config"),
    need(Purpose::Headless, Sign::Library("libvulkan.so.1"), "libvulkan1"),
    need(Purpose::Headless, Sign::VulkanDriver, "mesa-vulkan-drivers"),
    need(Purpose::Windows, Sign::Library("libX11.so.6"), "libx11-6"),
    need(Purpose::Windows, Sign::Library("libX11-xcb.so.1"), "libx11-xcb1"),
    need(Purpose::Windows, Sign::Library("libXcursor.so.1"), "libxcursor1"),
    need(Purpose::Windows, Sign::Library("libXi.so.6"), "libxi6"),
    need(Purpose::Windows, Sign::Library("libXrandr.so.2"), "libxrandr2"),
    need(Purpose::Windows, Sign::Library("libxkbcommon.so.0"), "libxkbcommon0"),
    need(Purpose::Windows, Sign::Library("libxkbcommon-x11.so.0"), "libxkbcommon-x11-0"),
    need(Purpose::Test, Sign::Command("Xvfb"), "xvfb"),
];

/// The packages that `machine` lacks for `purpose`, in the order of the table.
pub fn missing_packages(machine: &impl Machine, purpose: Purpose) -> Vec<&'static str> {
    let wanted = NEEDS.iter().filter(|need| need.from <= purpose);
    wanted.filter(|need| !is_there(machine, &need.sign)).map(|need| need.package).collect()
}

fn is_there(machine: &impl Machine, sign: &Sign) -> bool {
    match sign {
        Sign::Command(name) => machine.has_command(name),
        Sign::Library(soname) => machine.has_library(soname),
        Sign::File(path) => machine.has_file(path),
        Sign::VulkanDriver => has_usable_driver(machine.has_gpu(), machine.vulkan_drivers()),
    }
}

/// With a GPU any driver will do, since which one fits is its owner's business. Without, only Mesa's lavapipe
/// draws anything: drivers for hardware may be installed and still find no device.
fn has_usable_driver(has_gpu: bool, drivers: &Drivers) -> bool {
    match drivers {
        Drivers::Chosen => true,
        Drivers::Found(names) if has_gpu => !names.is_empty(),
        Drivers::Found(names) => names.iter().any(|name| name.starts_with("lvp_icd")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct FakeMachine {
        present: Vec<&'static str>,
        gpu: bool,
        drivers: Drivers,
    }

    impl FakeMachine {
        fn bare() -> Self {
            Self { present: Vec::new(), gpu: false, drivers: Drivers::Found(Vec::new()) }
        }

        fn with_everything() -> Self {
            let present = NEEDS.iter().filter_map(|need| match need.sign {
                Sign::Command(name) | Sign::Library(name) | Sign::File(name) => Some(name),
                Sign::VulkanDriver => None,
            });
            Self { present: present.collect(), gpu: false, drivers: found(&["lvp_icd.x86_64.json"]) }
        }
    }

    impl Machine for FakeMachine {
        fn has_command(&self, name: &str) -> bool {
            self.present.contains(&name)
        }
        fn has_library(&self, soname: &str) -> bool {
            self.present.contains(&soname)
        }
        fn has_file(&self, path: &str) -> bool {
            self.present.contains(&path)
        }
        fn has_gpu(&self) -> bool {
            self.gpu
        }
        fn vulkan_drivers(&self) -> &Drivers {
            &self.drivers
        }
    }

    fn found(names: &[&str]) -> Drivers {
        Drivers::Found(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn a_bare_machine_lacks_every_package_once() {
        let missing = missing_packages(&FakeMachine::bare(), Purpose::Test);
        assert_eq!(missing, NEEDS.map(|need| need.package));
    }

    #[test]
    fn a_machine_with_everything_lacks_nothing() {
        assert!(missing_packages(&FakeMachine::with_everything(), Purpose::Test).is_empty());
    }

    #[test]
    fn only_the_lacking_thing_is_named() {
        let mut machine = FakeMachine::with_everything();
        machine.present.retain(|&name| name != "libXi.so.6" && name != "Xvfb");
        assert_eq!(missing_packages(&machine, Purpose::Test), ["libxi6", "xvfb"]);
        assert_eq!(missing_packages(&machine, Purpose::Windows), ["libxi6"]);
        assert!(missing_packages(&machine, Purpose::Headless).is_empty());
    }

    #[test]
    fn a_headless_demo_wants_no_window_libraries() {
        let missing = missing_packages(&FakeMachine::bare(), Purpose::Headless);
        assert!(missing.contains(&"mesa-vulkan-drivers") && missing.contains(&"gcc"));
        assert!(!missing.iter().any(|package| package.starts_with("libx") || *package == "xvfb"));
    }

    #[test]
    fn hardware_drivers_without_hardware_do_not_count() {
        let hardware_only = found(&["intel_icd.x86_64.json", "radeon_icd.x86_64.json"]);
        assert!(!has_usable_driver(false, &hardware_only));
        assert!(has_usable_driver(true, &hardware_only));
        assert!(!has_usable_driver(true, &found(&[])));
        assert!(has_usable_driver(false, &found(&["lvp_icd.aarch64.json"])));
        assert!(has_usable_driver(false, &Drivers::Chosen));
    }
}
