//! Builds kernels and root tasks with cargo and lays them out under `target/linchpin/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use miette::{IntoDiagnostic, Result, WrapErr, miette};

use crate::kind::{Arch, Kind};
use crate::workspace::{self, Workspace, from_first_error};
use crate::{elf32, multiboot, setup};

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
                from_first_error(&String::from_utf8_lossy(&output.stderr)).trim_end()
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
