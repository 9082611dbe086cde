//! Packages of the system that are used and not installed: downloaded by the system's own package
//! manager, from its own sources, and unpacked in a folder of ours.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use miette::{IntoDiagnostic, Result, WrapErr, miette};

use crate::workspace;

/// The package manager, with lists and a state of its own.
pub(super) struct Apt {
    folder: PathBuf,
    pub(super) codename: String,
}

impl Apt {
    pub(super) fn new(folder: &Path) -> Result<Self> {
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
    pub(super) fn run(&self, words: &[&str]) -> Result<()> {
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
    pub(super) fn get<S: AsRef<str>>(&self, packages: &[S]) -> Result<()> {
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

pub(super) fn finish(command: &mut Command) -> Result<()> {
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
}
