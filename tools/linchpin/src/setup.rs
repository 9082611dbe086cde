//! Set-up is part of the command: what is missing is installed when that needs no question, or the
//! exact command is printed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use miette::{IntoDiagnostic, Result, WrapErr, miette};

use crate::progress;

/// Something outside the project that a command needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    pub(crate) name: &'static str,
    pub(crate) purpose: &'static str,
    programs: &'static [&'static str],
    files: &'static [&'static str],
    packages: Packages,
}

/// What the package is called by each system.
#[derive(Clone, Copy, Debug)]
struct Packages {
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
    brew: &'static str,
}

pub(crate) const QEMU_X86_64: Need = Need {
    name: "QEMU for x86_64",
    purpose: "to boot anything",
    programs: &["qemu-system-x86_64"],
    files: &[],
    packages: Packages {
        apt: "qemu-system-x86",
        dnf: "qemu-system-x86-core",
        pacman: "qemu-system-x86",
        brew: "qemu",
    },
};

pub(crate) const QEMU_AARCH64: Need = Need {
    name: "QEMU for AArch64",
    purpose: "to boot anything on aarch64",
    programs: &["qemu-system-aarch64"],
    files: &[],
    packages: Packages {
        apt: "qemu-system-arm",
        dnf: "qemu-system-aarch64-core",
        pacman: "qemu-system-aarch64",
        brew: "qemu",
    },
};

pub(crate) const QEMU_RISCV64: Need = Need {
    name: "QEMU for RISC-V",
    purpose: "to boot anything on riscv64",
    programs: &["qemu-system-riscv64"],
    files: &["/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin"],
    packages: Packages {
        apt: "qemu-system-misc qemu-system-data",
        dnf: "qemu-system-riscv-core",
        pacman: "qemu-system-riscv",
        brew: "qemu",
    },
};

pub(crate) const GRUB: Need = Need {
    name: "GRUB for PC BIOS",
    purpose: "for `image --format iso`",
    programs: &["grub-mkimage"],
    files: &["/usr/lib/grub/i386-pc/multiboot2.mod"],
    packages: Packages {
        apt: "grub-pc-bin grub-common",
        dnf: "grub2-pc-modules grub2-tools",
        pacman: "grub",
        brew: "i686-elf-grub",
    },
};

pub(crate) const XORRISO: Need = Need {
    name: "xorriso",
    purpose: "for `image --format iso`",
    programs: &["xorriso"],
    files: &[],
    packages: Packages {
        apt: "xorriso",
        dnf: "xorriso",
        pacman: "libisoburn",
        brew: "xorriso",
    },
};

pub(crate) const GDB: Need = Need {
    name: "GDB",
    purpose: "to debug by hand (`run -- -s -S`); optional",
    programs: &["gdb"],
    files: &[],
    packages: Packages {
        apt: "gdb",
        dnf: "gdb",
        pacman: "gdb",
        brew: "gdb",
    },
};

pub(crate) const BINUTILS: Need = Need {
    name: "binutils",
    purpose: "for `bench --histogram`; optional",
    programs: &["addr2line"],
    files: &[],
    packages: Packages {
        apt: "binutils",
        dnf: "binutils",
        pacman: "binutils",
        brew: "binutils",
    },
};

pub(crate) const CXX: Need = Need {
    name: "C++ compiler",
    purpose: "for `bench --method rocket` and fuzzing by coverage; optional",
    programs: &["g++"],
    files: &[],
    packages: Packages {
        apt: "g++",
        dnf: "gcc-c++",
        pacman: "gcc",
        brew: "gcc",
    },
};

pub(crate) const PIP: Need = Need {
    name: "pip",
    purpose: "for `bench --method rocket`; optional",
    programs: &["python3", "pip3"],
    files: &[],
    packages: Packages {
        apt: "python3-pip",
        dnf: "python3-pip",
        pacman: "python-pip",
        brew: "python",
    },
};

impl Need {
    /// The program that it is about.
    pub(crate) fn program(&self) -> &'static str {
        self.programs.first().copied().unwrap_or(self.name)
    }

    pub(crate) fn is_met(&self) -> bool {
        self.programs
            .iter()
            .all(|program| find_program(program).is_some())
            && self.files.iter().all(|file| Path::new(file).exists())
    }

    /// The command that a person types to get it.
    pub(crate) fn command(&self) -> String {
        let sudo = if is_root() { "" } else { "sudo " };
        match system() {
            Some(System::Apt) => {
                format!(
                    "{sudo}apt-get update && {sudo}apt-get install --yes {}",
                    self.packages.apt
                )
            }
            Some(System::Dnf) => format!("{sudo}dnf install {}", self.packages.dnf),
            Some(System::Pacman) => format!("{sudo}pacman -S {}", self.packages.pacman),
            Some(System::Brew) => format!("brew install {}", self.packages.brew),
            None => format!(
                "install {} with your system's package manager",
                self.packages.apt
            ),
        }
    }
}

/// Whether the user has already agreed to installations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    Given,
    /// Install only what needs no password and no question.
    NotAsked,
}

impl Consent {
    pub(crate) fn from_flag(yes: bool) -> Self {
        if yes {
            Consent::Given
        } else {
            Consent::NotAsked
        }
    }
}

/// Makes sure that the need is met, or fails with what to do about it.
pub(crate) fn ensure(need: &Need, consent: Consent) -> Result<()> {
    if need.is_met() {
        return Ok(());
    }
    let Some(install) = apt_command(consent) else {
        return Err(miette!(
            help = format!("{}{}", need.command(), offer()),
            "{} is needed {} and is not installed",
            need.name,
            need.purpose
        ));
    };
    eprintln!(
        "linchpin: {} is missing; installing {}",
        need.name, need.packages.apt
    );
    apt(&install, &["update"])?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(need.packages.apt.split(' '));
    apt(&install, &arguments)?;
    if need.is_met() {
        return Ok(());
    }
    Err(miette!(
        help = format!(
            "look for these in the package's file list: {:?} {:?}",
            need.programs, need.files
        ),
        "apt-get installed {} and yet {} is not there",
        need.packages.apt,
        need.name
    ))
}

/// What else the user can do than type the command.
fn offer() -> &'static str {
    if apt_command(Consent::Given).is_some() {
        "\nor let the tool do it: add --yes"
    } else {
        ""
    }
}

/// Makes sure that the Rust target is installed, by rustup.
pub(crate) fn rust_target(target: &str) -> Result<()> {
    if has_rust_target(target) {
        return Ok(());
    }
    eprintln!("linchpin: the Rust target {target} is missing; adding it with rustup");
    let status = Command::new("rustup")
        .args(["target", "add", target])
        .status();
    match status {
        Ok(status) if status.success() && has_rust_target(target) => Ok(()),
        Ok(status) => Err(miette!(
            help = "run it by hand and read its message",
            "`rustup target add {target}` ended with {status}"
        )),
        Err(error) => Err(miette!(
            help = "install Rust with rustup (https://rustup.rs), or install the target {target} as your system does it",
            "the Rust target {target} is missing and rustup cannot be started: {error}"
        )),
    }
}

/// Makes sure that the nightly compiler is installed with this component, by rustup.
pub(crate) fn nightly(component: &str) -> Result<()> {
    let list = |arguments: &[&str]| {
        let output = Command::new("rustup").args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let installed = || {
        let found = list(&["component", "list", "--installed", "--toolchain", "nightly"]);
        found.is_ok_and(|found| found.lines().any(|line| line.starts_with(component)))
    };
    if installed() {
        return Ok(());
    }
    eprintln!("linchpin: {component} of the nightly compiler is missing; adding it with rustup");
    let install = [
        "toolchain",
        "install",
        "nightly",
        "--profile",
        "minimal",
        "--component",
    ];
    let status = Command::new("rustup").args(install).arg(component).status();
    match status {
        Ok(status) if status.success() && installed() => Ok(()),
        Ok(status) => Err(miette!(
            help = format!("rustup {} {component}", install.join(" ")),
            "the nightly compiler has no {component}, and rustup ended with {status}"
        )),
        Err(error) => Err(miette!(
            help = "install Rust with rustup (https://rustup.rs)",
            "the nightly compiler's {component} is needed and rustup cannot be started: {error}"
        )),
    }
}

/// A Python of its own, in `folder`, with the packages that `requirements` names.
pub(crate) fn python(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let marker = folder.join("requirements.txt");
    let wanted = crate::workspace::read(requirements)?;
    if python.exists() && std::fs::read(&marker).is_ok_and(|there| there == wanted) {
        return Ok(python);
    }
    eprintln!("linchpin: installing what {} names", requirements.display());
    let step = |command: &mut Command| {
        let status = command.status().into_diagnostic();
        match status.wrap_err("cannot start Python")? {
            status if status.success() => Ok(()),
            status => Err(miette!(
                help = "Python 3 with its module venv is needed (Debian: python3-venv)",
                "{command:?} ended with {status}"
            )),
        }
    };
    step(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let install = ["-m", "pip", "install", "--quiet", "--requirement"];
    step(Command::new(&python).args(install).arg(requirements))?;
    crate::workspace::write(&marker, &wanted)?;
    Ok(python)
}

/// Makes sure that a subcommand of cargo is installed.
pub(crate) fn cargo_program(name: &str) -> Result<()> {
    if find_program(name).is_some() {
        return Ok(());
    }
    eprintln!("linchpin: {name} is missing; `cargo install {name}` takes some minutes");
    let status = Command::new("cargo")
        .args(["install", "--locked", "--quiet", name])
        .status()
        .into_diagnostic()
        .wrap_err("cannot start cargo")?;
    if status.success() {
        return Ok(());
    }
    Err(miette!(
        "`cargo install --locked {name}` ended with {status}"
    ))
}

pub(crate) fn has_rust_target(target: &str) -> bool {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output();
    let Ok(output) = output else { return false };
    output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
}

/// Finds a program as the shell does.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum System {
    Apt,
    Dnf,
    Pacman,
    Brew,
}

fn system() -> Option<System> {
    [
        ("apt-get", System::Apt),
        ("dnf", System::Dnf),
        ("pacman", System::Pacman),
        ("brew", System::Brew),
    ]
    .into_iter()
    .find(|(program, _)| find_program(program).is_some())
    .map(|(_, system)| system)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// `apt-get`, or `sudo apt-get` with consent; nothing where an installation would raise a question.
fn apt_command(consent: Consent) -> Option<Vec<&'static str>> {
    if system() != Some(System::Apt) {
        None
    } else if is_root() {
        Some(vec!["apt-get"])
    } else if consent == Consent::Given && find_program("sudo").is_some() {
        Some(vec!["sudo", "apt-get"])
    } else {
        None
    }
}

fn apt(command: &[&str], arguments: &[&str]) -> Result<()> {
    let spinner = progress::spinner(&format!("apt-get {}", arguments.join(" ")));
    let output = Command::new(command[0])
        .args(&command[1..])
        .arg("--quiet")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .into_diagnostic()
        .wrap_err("cannot start apt-get");
    spinner.finish_and_clear();
    let output = output?;
    if output.status.success() {
        return Ok(());
    }
    Err(miette!(
        "`{} {}` ended with {}:\n{}",
        command.join(" "),
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find_program("sh").is_some());
        assert!(find_program("no-such-program-of-ours").is_none());
    }

    #[test]
    fn a_need_is_met_only_by_programs_and_files() {
        let shell = Need {
            programs: &["sh"],
            files: &["/"],
            ..GDB
        };
        assert!(shell.is_met());
        assert!(
            !Need {
                files: &["/no/such/file"],
                ..shell
            }
            .is_met()
        );
        assert!(
            !Need {
                programs: &["sh", "no-such-program-of-ours"],
                ..shell
            }
            .is_met()
        );
    }
}
