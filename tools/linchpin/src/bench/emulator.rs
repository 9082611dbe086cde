//! A QEMU that takes plugins of our version: the installed one if it is new enough; else, on
//! Debian, that of the system's backports, unpacked in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use miette::{Result, WrapErr, miette};

use super::apt::Apt;
use crate::kind::Arch;
use crate::progress;
use crate::workspace::Workspace;

/// The first version with the interface that our plugin uses.
const FIRST: u32 = 10;
/// Missing libraries that are looked for, one after the other.
const MOST_LIBRARIES: usize = 20;

/// The program, and what it has to be told about where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Emulator {
    program: PathBuf,
    /// Where it was unpacked; none if it is the installed one.
    root: Option<PathBuf>,
}

impl Emulator {
    /// Finds one, or gets it.
    pub(crate) fn with_plugins(workspace: &Workspace, arch: Arch) -> Result<Self> {
        let name = arch.traits().qemu.program();
        let installed = Self {
            program: name.into(),
            root: None,
        };
        if installed.version().is_some_and(|version| version >= FIRST) {
            return Ok(installed);
        }
        let root = workspace.output().join("qemu-with-plugins");
        let unpacked = Self {
            program: root.join("root/usr/bin").join(name),
            root: Some(root.join("root")),
        };
        if unpacked.version().is_none() {
            let spinner = progress::spinner(&format!("{name} {FIRST} from Debian's backports"));
            let got = unpack(&root, arch, &unpacked);
            spinner.finish_and_clear();
            got.wrap_err_with(|| {
                format!(
                    "--method plugin needs {name} {FIRST} or later, which is not installed and cannot be had; \
                     --method icount works with any"
                )
            })?;
        }
        Ok(unpacked)
    }

    /// The program, without arguments but those that say where it lies.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(root) = &self.root {
            let libraries = root.join("usr/lib/x86_64-linux-gnu");
            command
                .env("QEMU_MODULE_DIR", libraries.join("qemu"))
                .env("LD_LIBRARY_PATH", libraries);
            for folder in ["usr/share/qemu", "usr/share/seabios"] {
                command.arg("-L").arg(root.join(folder));
            }
        }
        command
    }

    /// The same machine on this emulator.
    pub(crate) fn instead_of(&self, other: &Command) -> Command {
        let mut command = self.command();
        command.args(other.get_args());
        command
    }

    fn version(&self) -> Option<u32> {
        let output = self.command().arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, version) = text.split_once("version ")?;
        version.split('.').next()?.parse().ok()
    }

    /// The library that it could not load.
    fn missing_library(&self) -> Option<String> {
        let output = self.command().arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let (_, rest) = text.split_once("shared libraries: ")?;
        rest.split(':').next().map(str::to_owned)
    }
}

fn packages(arch: Arch) -> &'static [&'static str] {
    match arch {
        Arch::X86_64 => &["qemu-system-x86", "seabios"],
        Arch::AArch64 => &["qemu-system-arm"],
        Arch::RiscV64 => &["qemu-system-riscv", "opensbi"],
    }
}

/// Gets the packages with the system's own package manager and sources, without installing them.
fn unpack(folder: &Path, arch: Arch, emulator: &Emulator) -> Result<()> {
    let apt = Apt::new(folder)?;
    apt.run(&["update"])?;
    let backports = format!("{}-backports", apt.codename);
    let wanted: Vec<String> = ["qemu-system-common", "qemu-system-data"]
        .iter()
        .chain(packages(arch))
        .map(|name| format!("{name}/{backports}"))
        .collect();
    apt.get(&wanted)?;
    for _ in 0..MOST_LIBRARIES {
        match emulator.missing_library() {
            Some(library) => apt.get(&[package_of(&library)])?,
            None => break,
        }
    }
    match emulator.version() {
        Some(version) if version >= FIRST => Ok(()),
        version => Err(miette!("what was unpacked is of version {version:?}")),
    }
}

/// Debian's name for the package of a library: `libfdt.so.1` is in `libfdt1`.
fn package_of(library: &str) -> String {
    let (name, version) = library.split_once(".so.").unwrap_or((library, ""));
    let between = if name.ends_with(|c: char| c.is_ascii_digit()) {
        "-"
    } else {
        ""
    };
    format!("{name}{between}{version}")
        .replace('_', "-")
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_name_their_packages() {
        for (library, package) in [
            ("libfdt.so.1", "libfdt1"),
            ("libslirp.so.0", "libslirp0"),
            ("libpixman-1.so.0", "libpixman-1-0"),
        ] {
            assert_eq!(package_of(library), package);
        }
    }
}
