//! A QEMU that takes plugins of our version: the installed one if it is new enough; else, on
//! Debian, that of the system's backports, unpacked in a folder of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use miette::{IntoDiagnostic, Result, WrapErr, miette};

use crate::kind::Arch;
use crate::progress;
use crate::setup::Consent;
use crate::workspace::{self, Workspace};

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
    pub(crate) fn with_plugins(workspace: &Workspace, arch: Arch, _: Consent) -> Result<Self> {
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

/// The package manager, with lists and a state of its own.
struct Apt {
    folder: PathBuf,
    codename: String,
}

impl Apt {
    fn new(folder: &Path) -> Result<Self> {
        let release = std::fs::read_to_string("/etc/os-release").into_diagnostic()?;
        let codename = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .ok_or_else(|| miette!("this system is no Debian: it has no code name"))?
            .to_owned();
        let sources = with_backports(&configured_sources(), &codename)
            .ok_or_else(|| miette!("no source of packages names {codename}"))?;
        for inner in [
            "lists/partial",
            "cache/archives/partial",
            "packages",
            "root",
        ] {
            std::fs::create_dir_all(folder.join(inner)).into_diagnostic()?;
        }
        workspace::write(&folder.join("debian.sources"), sources.as_bytes())?;
        workspace::write(&folder.join("status"), b"")?;
        Ok(Self {
            folder: folder.to_path_buf(),
            codename,
        })
    }

    /// `apt-get` in the folder of the packages.
    fn run(&self, words: &[&str]) -> Result<()> {
        let place = |setting: &str, name: &str| {
            let mut word = OsString::from(format!("{setting}="));
            word.push(self.folder.join(name));
            word
        };
        let mut apt = Command::new("apt-get");
        apt.current_dir(self.folder.join("packages"));
        for (setting, name) in [
            ("Dir::Etc::SourceList", "debian.sources"),
            ("Dir::State::Lists", "lists"),
            ("Dir::Cache", "cache"),
            ("Dir::State::status", "status"),
        ] {
            apt.arg("-o").arg(place(setting, name));
        }
        apt.args(["-o", "Dir::Etc::SourceParts=-", "-o", "Debug::NoLocking=1"]);
        finish(apt.args(words))
    }

    /// Downloads packages, and unpacks all that are there.
    fn get<S: AsRef<str>>(&self, packages: &[S]) -> Result<()> {
        let words: Vec<&str> = std::iter::once("download")
            .chain(packages.iter().map(AsRef::as_ref))
            .collect();
        self.run(&words)?;
        let files = std::fs::read_dir(self.folder.join("packages")).into_diagnostic()?;
        for file in files {
            let file = file.into_diagnostic()?.path();
            let mut dpkg = Command::new("dpkg");
            finish(dpkg.arg("-x").arg(file).arg(self.folder.join("root")))?;
        }
        Ok(())
    }
}

fn finish(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot start {name}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(miette!(
        "{name} ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

/// All that the system is configured to get packages from, in the form with a field to a line.
fn configured_sources() -> String {
    let files = std::fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "sources"));
    let texts = files.filter_map(|path| std::fs::read_to_string(path).ok());
    let one_line = std::fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
    texts
        .chain(one_line.lines().filter_map(stanza))
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// A source of the older form, `deb [options] address suite components`, in the newer one.
fn stanza(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split_whitespace();
    let (address, suite) = (words.next()?, words.next()?);
    let components: Vec<&str> = words.collect();
    Some(format!(
        "Types: deb\nURIs: {address}\nSuites: {suite}\nComponents: {}\n",
        components.join(" ")
    ))
}

/// Of these sources those that name the suite, with its backports; `None` if there are none.
fn with_backports(sources: &str, codename: &str) -> Option<String> {
    let is_of = |stanza: &&str| {
        let suites = stanza
            .lines()
            .find_map(|line| line.strip_prefix("Suites:"))
            .unwrap_or_default();
        suites.split_whitespace().any(|suite| suite == codename)
    };
    let with = |stanza: &str| {
        stanza
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| match line.strip_prefix("Suites:") {
                Some(_) => format!("Suites: {codename} {codename}-backports"),
                None => line.to_owned(),
            })
            .collect::<Vec<_>>()
            .join("\n")
    };
    let found: Vec<String> = sources.split("\n\n").filter(is_of).map(with).collect();
    (!found.is_empty()).then(|| found.join("\n\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_backports_are_added() {
        let sources = "Types: deb\n# a remark\nURIs: a://b\nSuites: stable stable-updates\nComponents: main\n\n\
                       Types: deb\nURIs: a://c\nSuites: stable-security\nComponents: main\n";
        assert_eq!(
            with_backports(sources, "stable").as_deref(),
            Some("Types: deb\nURIs: a://b\nSuites: stable stable-backports\nComponents: main\n")
        );
        assert_eq!(with_backports(sources, "other"), None);
    }

    #[test]
    fn the_older_form_is_understood() {
        let line = "deb [arch=amd64] a://b stable main contrib";
        assert_eq!(
            stanza(line).as_deref(),
            Some("Types: deb\nURIs: a://b\nSuites: stable\nComponents: main contrib\n")
        );
        assert_eq!(stanza("# deb a://b stable main"), None);
    }

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
