//! Builds kernels and root tasks with cargo and lays them out under `target/linchpin/`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;
use miette::{IntoDiagnostic, Result, WrapErr, miette};

use crate::suggest::did_you_mean;
use crate::workspace::{self, Workspace};
use crate::{elf32, multiboot, setup};

/// An instruction set that the kernel runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    #[value(name = "x86_64")]
    X86_64,
}

impl Arch {
    pub(crate) const ALL: [Arch; 1] = [Arch::X86_64];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
        }
    }

    /// The Rust target without floating point: the compiler must not touch registers that the
    /// kernel switches lazily between threads.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64-unknown-none",
        }
    }

    fn kernel_flags(self) -> &'static [&'static str] {
        match self {
            // An interrupt would write into a red zone; the kernel lies in the top 2 GiB.
            Arch::X86_64 => &[
                "-Crelocation-model=static",
                "-Ccode-model=kernel",
                "-Cno-redzone=yes",
            ],
        }
    }

    fn user_flags(self) -> &'static [&'static str] {
        match self {
            Arch::X86_64 => &["-Crelocation-model=static", "-Ccode-model=small"],
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

    /// Refuses a profile that the project does not define.
    pub(crate) fn check_profile(&self, workspace: &Workspace) -> Result<()> {
        let file = workspace.root.join("abi/profiles.toml");
        let Ok(text) = std::fs::read_to_string(&file) else {
            return Ok(()); // the abi crate's own build script will say so
        };
        let known = profile_names(&text);
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

/// The profiles are the top-level tables of the file.
fn profile_names(toml: &str) -> Vec<String> {
    toml.lines()
        .filter_map(|line| line.trim().strip_prefix('[')?.strip_suffix(']'))
        .filter(|name| !name.contains(['.', '[']))
        .map(|name| name.trim_matches('"').to_owned())
        .collect()
}

/// A built kernel in all its containers.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// Multiboot 1, Multiboot 2 and PVH, in one ELF64.
    pub(crate) elf: PathBuf,
    /// The same bytes in an ELF32, for loaders that insist on one.
    pub(crate) elf32: PathBuf,
    /// A copy whose Multiboot 1 magic is zeroed, so that QEMU takes the PVH entry.
    pub(crate) pvh: PathBuf,
}

/// How much of cargo's own output the user sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// As cargo prints it.
    Progress,
    /// Only when the build fails, in the error.
    OnFailure,
}

/// Builds the kernel and writes its containers.
pub(crate) fn kernel(workspace: &Workspace, kind: &Kind, show: Show) -> Result<Kernel> {
    let built = compile(workspace, kind, &Program::kernel(), show)?;
    let elf = workspace::read(&built)?;
    let folder = kind.folder(workspace);
    let kernel = Kernel {
        elf: folder.join("kernel.elf"),
        elf32: folder.join("kernel32.elf"),
        pvh: folder.join("kernel-pvh.elf"),
    };
    workspace::write(&kernel.elf, &elf)?;
    workspace::write(
        &kernel.elf32,
        &elf32::convert(&elf).wrap_err("cannot write kernel32.elf")?,
    )?;
    workspace::write(
        &kernel.pvh,
        &multiboot::without_magic(&elf).wrap_err("cannot write kernel-pvh.elf")?,
    )?;
    Ok(kernel)
}

/// Builds a root task of the project; returns its ELF.
pub(crate) fn root_task(
    workspace: &Workspace,
    kind: &Kind,
    program: &Program,
    show: Show,
) -> Result<PathBuf> {
    let built = compile(workspace, kind, program, show)?;
    let elf = kind.folder(workspace).join(format!("{}.elf", program.name));
    workspace::write(&elf, &workspace::read(&built)?)?;
    Ok(elf)
}

/// A program of the workspace that runs on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) package: &'static str,
    pub(crate) name: String,
}

impl Program {
    pub(crate) fn kernel() -> Self {
        Self {
            package: "linchpin-image",
            name: "kernel".into(),
        }
    }

    pub(crate) fn demo() -> Self {
        Self {
            package: "linchpin-demo",
            name: "demo".into(),
        }
    }

    pub(crate) fn conformance() -> Self {
        Self {
            package: "linchpin-conformance",
            name: "conformance".into(),
        }
    }

    pub(crate) fn example(name: &str) -> Self {
        Self {
            package: "linchpin-examples",
            name: name.into(),
        }
    }

    fn side(&self) -> Side {
        if self.package == "linchpin-image" {
            Side::Kernel
        } else {
            Side::User
        }
    }
}

/// On which side of the system call a program runs.
///
/// The sides have target folders of their own: they differ in flags and environment, and would
/// otherwise rebuild their common crates at every turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Kernel,
    User,
}

impl Side {
    fn target_folder(self, workspace: &Workspace, kind: &Kind) -> PathBuf {
        let name = match self {
            Side::Kernel => "kernel",
            Side::User => "user",
        };
        workspace
            .output()
            .join("build")
            .join(kind.to_string())
            .join(name)
    }

    fn flags(self, arch: Arch) -> &'static [&'static str] {
        match self {
            Side::Kernel => arch.kernel_flags(),
            Side::User => arch.user_flags(),
        }
    }
}

/// A cargo command that works on target packages of this kind.
pub(crate) fn cargo(workspace: &Workspace, kind: &Kind, side: Side, verb: &str) -> Command {
    let mut command = workspace.cargo();
    command
        .args([verb, "--target", kind.arch.target()])
        .args(["--profile", kind.flavour.cargo_profile(), "--target-dir"])
        .arg(side.target_folder(workspace, kind))
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            side.flags(kind.arch).join("\u{1f}"),
        )
        .env("LINCHPIN_ISA", kind.arch.name())
        .env("LINCHPIN_FLAVOUR", kind.flavour.name())
        .env("LINCHPIN_PROFILE", &kind.profile);
    command
}

fn compile(workspace: &Workspace, kind: &Kind, program: &Program, show: Show) -> Result<PathBuf> {
    kind.check_profile(workspace)?;
    setup::rust_target(kind.arch.target())?;
    if workspace
        .programs(program.package)?
        .iter()
        .all(|name| *name != program.name)
    {
        return Err(miette!(
            "the package {} has no program `{}`",
            program.package,
            program.name
        ));
    }
    let mut command = cargo(workspace, kind, program.side(), "build");
    command.args(["--package", program.package, "--bin", &program.name]);
    run(command, show).wrap_err_with(|| {
        format!(
            "building `{}` of {} for {kind} failed",
            program.name, program.package
        )
    })?;
    Ok(program
        .side()
        .target_folder(workspace, kind)
        .join(kind.arch.target())
        .join(kind.flavour.cargo_profile())
        .join(&program.name))
}

fn run(mut command: Command, show: Show) -> Result<()> {
    match show {
        Show::Progress => {
            let status = command
                .status()
                .into_diagnostic()
                .wrap_err("cannot start cargo")?;
            if status.success() {
                return Ok(());
            }
            Err(miette!(
                "cargo stopped with {status}; its messages are above"
            ))
        }
        Show::OnFailure => {
            let output = command
                .stdin(Stdio::null())
                .output()
                .into_diagnostic()
                .wrap_err("cannot start cargo")?;
            if output.status.success() {
                return Ok(());
            }
            Err(miette!(
                "{}",
                String::from_utf8_lossy(&output.stderr).trim_end()
            ))
        }
    }
}

/// A path as the user would type it: relative to where she stands, if it lies below.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
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
