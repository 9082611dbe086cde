//! Builds kernels and root tasks with cargo and lays them out under `target/linchpin/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use miette::{IntoDiagnostic, Result, WrapErr, miette};

use crate::board::Board;
use crate::kind::{Arch, Flavour, Kind};
use crate::workspace::{self, Workspace, from_first_error};
use crate::{elf32, flat, multiboot, setup};

/// A built kernel in all its containers.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// The ELF64 that loaders take (on x86: Multiboot 1, Multiboot 2 and PVH in one).
    pub(crate) elf: PathBuf,
    /// The same bytes in other forms.
    pub(crate) others: Vec<(Container, PathBuf)>,
}

/// What a kernel is packed into, beside its ELF64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// An ELF32, for loaders that insist on one.
    Elf32,
    /// A copy whose Multiboot 1 magic is zeroed, so that QEMU takes the PVH entry.
    Pvh,
    /// Its bytes as they lie in memory, for firmware that starts Linux kernels.
    Flat,
}

impl Container {
    fn file_name(self) -> &'static str {
        match self {
            Container::Elf32 => "kernel32.elf",
            Container::Pvh => "kernel-pvh.elf",
            Container::Flat => "kernel.bin",
        }
    }

    fn convert(self, elf: &[u8]) -> Result<Vec<u8>> {
        match self {
            Container::Elf32 => elf32::convert(elf),
            Container::Pvh => multiboot::without_magic(elf),
            Container::Flat => flat::convert(elf),
        }
        .wrap_err_with(|| format!("cannot write {}", self.file_name()))
    }
}

impl Kernel {
    /// A file of the user's, whatever it is.
    pub(crate) fn named(file: &Path) -> Self {
        Self {
            elf: file.to_path_buf(),
            others: Vec::new(),
        }
    }

    /// The file of this form; of a kernel that the user named there is only the one.
    pub(crate) fn file(&self, container: Container) -> &Path {
        let other = self.others.iter().find(|(other, _)| *other == container);
        other.map_or(&self.elf, |(_, file)| file)
    }

    /// Every file of it.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let others = self.others.iter().map(|(_, file)| file);
        std::iter::once(&self.elf)
            .chain(others)
            .map(PathBuf::as_path)
    }
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
    kernel_for(workspace, kind, &Board::default(), show)
}

/// Builds the kernel for a board and writes its containers.
pub(crate) fn kernel_for(
    workspace: &Workspace,
    kind: &Kind,
    board: &Board,
    show: Show,
) -> Result<Kernel> {
    let built = compile(workspace, kind, &Program::kernel(), show)?;
    let mut elf = workspace::read(&built)?;
    board.write_into(&mut elf)?;
    let folder = if board.is_some() {
        kind.folder_for_board(workspace)
    } else {
        kind.folder(workspace)
    };
    let containers = kind.arch.traits().containers;
    let kernel = Kernel {
        elf: folder.join("kernel.elf"),
        others: containers
            .iter()
            .map(|container| (*container, folder.join(container.file_name())))
            .collect(),
    };
    workspace::write(&kernel.elf, &elf)?;
    for (container, file) in &kernel.others {
        workspace::write(file, &container.convert(&elf)?)?;
    }
    Ok(kernel)
}

/// Builds the functions that theorems are about, as the kernel is built; returns their ELF.
pub(crate) fn theorems(workspace: &Workspace, kind: &Kind) -> Result<PathBuf> {
    let program = Program {
        package: "linchpin-theorems",
        name: "theorems".into(),
        setting: None,
    };
    compile(workspace, kind, &program, Show::OnFailure)
}

/// Builds a root task of the project; returns its ELF.
pub(crate) fn root_task(
    workspace: &Workspace,
    kind: &Kind,
    program: &Program,
    show: Show,
) -> Result<PathBuf> {
    let built = compile(workspace, kind, program, show)?;
    let elf = kind
        .folder(workspace)
        .join(format!("{}.elf", program.file_stem()));
    workspace::write(&elf, &workspace::read(&built)?)?;
    Ok(elf)
}

/// Builds what the simulated core runs in place of firmware; returns its ELF.
pub(crate) fn shim(workspace: &Workspace) -> Result<PathBuf> {
    let program = Program {
        package: "linchpin-rocket",
        name: "shim".into(),
        setting: None,
    };
    let kind = Kind::new(Arch::RiscV64, Flavour::Release);
    compile(workspace, &kind, &program, Show::OnFailure)
}

/// Builds the emulator's plugin; returns the library.
pub(crate) fn plugin(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.output().join("build").join("plugin");
    let mut command = workspace.cargo();
    command
        .args(["build", "--release", "--package", "linchpin-plugin"])
        .arg("--target-dir")
        .arg(&folder);
    run(command, Show::OnFailure).wrap_err("building the emulator's plugin failed")?;
    let file = format!(
        "{}linchpin_plugin{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    Ok(folder.join("release").join(file))
}

/// A program of the workspace that runs on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) package: &'static str,
    pub(crate) name: String,
    /// What its build is told by the environment.
    setting: Option<(&'static str, String)>,
}

impl Program {
    pub(crate) fn kernel() -> Self {
        Self {
            package: "linchpin-image",
            name: "kernel".into(),
            setting: None,
        }
    }

    pub(crate) fn demo() -> Self {
        Self {
            package: "linchpin-demo",
            name: "demo".into(),
            setting: None,
        }
    }

    pub(crate) fn conformance() -> Self {
        Self {
            package: "linchpin-conformance",
            name: "conformance".into(),
            setting: None,
        }
    }

    pub(crate) fn stress() -> Self {
        Self {
            package: "linchpin-stress",
            name: "stress".into(),
            setting: None,
        }
    }

    /// Measures these operations, or all if there are none.
    pub(crate) fn bench(ops: &[String]) -> Self {
        Self {
            package: "linchpin-bench",
            name: "bench".into(),
            setting: (!ops.is_empty()).then(|| ("LINCHPIN_BENCH_OPS", ops.join(","))),
        }
    }

    pub(crate) fn example(name: &str) -> Self {
        Self {
            package: "linchpin-examples",
            name: name.into(),
            setting: None,
        }
    }

    /// A program that was told something is another one than the one that was not.
    fn file_stem(&self) -> String {
        let suffix = self.setting.as_ref().map_or("", |_| "-special");
        format!("{}{suffix}", self.name)
    }

    fn side(&self) -> Side {
        if matches!(self.package, "linchpin-image" | "linchpin-theorems") {
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
            Side::Kernel => arch.traits().kernel_flags,
            Side::User => arch.traits().user_flags,
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

/// Whether the kernel compiles for this kind: nothing is linked. All kinds of an architecture share
/// a folder, so that only what knows its profile is compiled again.
pub(crate) fn check(workspace: &Workspace, kind: &Kind) -> Result<()> {
    kind.check_profile(workspace)?;
    let shared = Kind::new(kind.arch, kind.flavour);
    let mut command = cargo(workspace, &shared, Side::Kernel, "check");
    command
        .env("LINCHPIN_PROFILE", &kind.profile)
        .args(["--package", Program::kernel().package]);
    run(command, Show::OnFailure)
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
    command.envs(program.setting.clone());
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
