//! Which kernel: architecture, flavour, profile.

use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use miette::{Result, miette};

use crate::build::Container;
use crate::qemu::Boot;
use crate::setup::{self, Need};
use crate::suggest::did_you_mean;
use crate::workspace::Workspace;

/// An instruction set that the kernel runs on. Everything in which they differ for this tool is
/// an entry of [`Arch::traits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "aarch64")]
    AArch64,
    #[value(name = "riscv64")]
    RiscV64,
}

/// What one instruction set asks of this tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    pub(crate) name: &'static str,
    /// The Rust target without floating point: the compiler must not touch registers that the
    /// kernel switches lazily between threads.
    pub(crate) target: &'static str,
    pub(crate) kernel_flags: &'static [&'static str],
    pub(crate) user_flags: &'static [&'static str],
    pub(crate) qemu: Need,
    /// QEMU's machine, with the device by which systems report how they ended.
    pub(crate) machine: &'static [&'static str],
    pub(crate) cpu: &'static str,
    /// The value that a system has reported, from QEMU's exit status.
    pub(crate) report: fn(i32) -> Option<u32>,
    /// Systems cannot report to QEMU how they ended: the line `exit: N` has to do.
    pub(crate) ends_by_line: bool,
    /// What QEMU is told with a loader image: there may be firmware in it already.
    pub(crate) image: &'static [&'static str],
    /// The doors by which the kernel can be entered; the first is the usual one.
    pub(crate) doors: &'static [Boot],
    /// The files that a kernel is written as, beside kernel.elf.
    pub(crate) containers: &'static [Container],
}

const X86_64: Traits = Traits {
    name: "x86_64",
    target: "x86_64-unknown-none",
    // An interrupt would write into a red zone; the kernel lies in the top 2 GiB.
    kernel_flags: &[
        "-Crelocation-model=static",
        "-Ccode-model=kernel",
        "-Cno-redzone=yes",
    ],
    // The target's own code model, with which its `core` is compiled: link-time optimisation
    // refuses to mix two. Programs lie below 2 GiB, where it is as good.
    user_flags: &["-Crelocation-model=static"],
    qemu: setup::QEMU_X86_64,
    machine: &[
        "-machine",
        "q35",
        "-device",
        "isa-debug-exit,iobase=0xf4,iosize=0x04",
    ],
    cpu: "max",
    // A write of V to port 0xf4 ends QEMU with status 2V + 1. Status 1 is QEMU's own, and would
    // be the report of the value 0, which nothing of ours writes.
    report: |status| (status % 2 == 1 && status != 1).then_some((status as u32) >> 1),
    ends_by_line: false,
    image: &[],
    doors: &[
        Boot::Multiboot,
        Boot::Elf32,
        Boot::Pvh,
        Boot::Iso,
        Boot::IsoMultiboot1,
    ],
    containers: &[Container::Elf32, Container::Pvh],
};

/// Capabilities and invocations are copied where they stand. By themselves, targets without
/// unaligned access call a function for more than four words.
const COPY_IN_PLACE: &[&str] = &[
    "-Crelocation-model=static",
    "-Cllvm-args=-max-store-memcpy=24 -max-store-memset=24",
];

const AARCH64: Traits = Traits {
    name: "aarch64",
    target: "aarch64-unknown-none-softfloat",
    kernel_flags: COPY_IN_PLACE,
    user_flags: &["-Crelocation-model=static"],
    qemu: setup::QEMU_AARCH64,
    machine: &["-machine", "virt,gic-version=2"],
    cpu: "cortex-a57",
    // The machine has no device for it; firmware only switches off.
    report: |_| None,
    ends_by_line: true,
    image: &[],
    doors: &[Boot::Linux],
    containers: &[Container::Flat],
};

const RISCV64: Traits = Traits {
    name: "riscv64",
    target: "riscv64imac-unknown-none-elf",
    kernel_flags: COPY_IN_PLACE,
    user_flags: &["-Crelocation-model=static"],
    qemu: setup::QEMU_RISCV64,
    machine: &["-machine", "virt"],
    cpu: "rv64",
    // A write of V to the test device ends QEMU with status V. 0 is a machine switched off, 1
    // QEMU's own.
    report: |status| (status > 1).then_some(status as u32),
    ends_by_line: false,
    image: &["-bios", "none"],
    doors: &[Boot::Linux, Boot::Elf],
    containers: &[Container::Flat],
};

impl Arch {
    pub(crate) const ALL: [Arch; 3] = [Arch::X86_64, Arch::AArch64, Arch::RiscV64];

    pub(crate) fn traits(self) -> &'static Traits {
        match self {
            Arch::X86_64 => &X86_64,
            Arch::AArch64 => &AARCH64,
            Arch::RiscV64 => &RISCV64,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.traits().name
    }

    pub(crate) fn target(self) -> &'static str {
        self.traits().target
    }

    /// The door that is meant when none is named, or the named one if there is such a door.
    pub(crate) fn door(self, named: Option<Boot>) -> Result<Boot> {
        let doors = self.traits().doors;
        match named {
            None => doors
                .first()
                .copied()
                .ok_or_else(|| miette!("{} cannot be booted", self.name())),
            Some(door) if doors.contains(&door) => Ok(door),
            Some(door) => Err(miette!(
                help = format!(
                    "these can be: {}",
                    doors.iter().map(Boot::name).collect::<Vec<_>>().join(", ")
                ),
                "a kernel for {} cannot be booted by `{}`",
                self.name(),
                door.name()
            )),
        }
    }
}

/// What a kernel is built for: finding errors, running, or measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flavour {
    /// Assertions, console, explanations.
    Debug,
    /// No panic machinery, no debug calls.
    Release,
    /// Release with the measuring calls.
    Benchmark,
}

impl Flavour {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Flavour::Debug => "debug",
            Flavour::Release => "release",
            Flavour::Benchmark => "benchmark",
        }
    }

    pub(crate) fn cargo_profile(self) -> &'static str {
        match self {
            Flavour::Debug => "image-debug",
            Flavour::Release | Flavour::Benchmark => "image-release",
        }
    }
}

/// One kind of kernel, and of the user programs that fit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) arch: Arch,
    pub(crate) flavour: Flavour,
    pub(crate) profile: String,
}

pub(crate) const DEFAULT_PROFILE: &str = "default";

impl Kind {
    pub(crate) fn new(arch: Arch, flavour: Flavour) -> Self {
        Self {
            arch,
            flavour,
            profile: DEFAULT_PROFILE.into(),
        }
    }

    /// The folder of this kind's results.
    pub(crate) fn folder(&self, workspace: &Workspace) -> PathBuf {
        workspace.output().join(self.to_string())
    }

    /// The folder of kernels that are told about a board: they are not for any other.
    pub(crate) fn folder_for_board(&self, workspace: &Workspace) -> PathBuf {
        workspace.output().join(format!("{self}-board"))
    }

    /// Refuses a profile that the project does not define.
    pub(crate) fn check_profile(&self, workspace: &Workspace) -> Result<()> {
        let known = profiles(workspace);
        if known.is_empty() {
            return Ok(()); // the abi crate's own build script will say what is wrong with its file
        }
        if known.contains(&self.profile) {
            return Ok(());
        }
        Err(miette!(
            help = did_you_mean(&self.profile, &known),
            "no profile `{}` in abi/profiles.toml",
            self.profile
        ))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.arch.name(), self.flavour.name())?;
        if self.profile != DEFAULT_PROFILE {
            write!(f, "-{}", self.profile)?;
        }
        Ok(())
    }
}

/// The names of all profiles that the project defines.
pub(crate) fn profiles(workspace: &Workspace) -> Vec<String> {
    let file = workspace.root.join("abi/profiles.toml");
    std::fs::read_to_string(file)
        .map(|text| profile_names(&text))
        .unwrap_or_default()
}

/// The profiles are the top-level tables of the file.
fn profile_names(toml: &str) -> Vec<String> {
    toml.lines()
        .filter_map(|line| line.trim().strip_prefix('[')?.strip_suffix(']'))
        .filter(|name| !name.contains(['.', '[']))
        .map(|name| name.trim_matches('"').to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_name_their_folder() {
        let mut kind = Kind::new(Arch::X86_64, Flavour::Debug);
        assert_eq!(kind.to_string(), "x86_64-debug");
        kind.profile = "microkit".into();
        assert_eq!(kind.to_string(), "x86_64-debug-microkit");
    }

    #[test]
    fn profiles_are_top_level_tables() {
        let toml = "# text\n[default]\nx = 1\n[default.x86_64]\n[[list]]\n[\"quoted\"]\n";
        assert_eq!(profile_names(toml), ["default", "quoted"]);
    }
}
