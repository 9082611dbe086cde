//! Where the project lies on this machine, and the cargo commands that work on it.

use std::path::{Path, PathBuf};
use std::process::Command;

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use serde::Deserialize;

/// The checked-out project.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// `cargo run` says where the tool's manifest is; a copied binary remembers where it was built.
    pub(crate) fn find() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .ancestors()
            .find(|folder| folder.join("image/Cargo.toml").is_file())
            .ok_or_else(|| {
                miette!(
                    help = "run it as `cargo linchpin …` inside the project's folder",
                    "no Linchpin workspace above {}",
                    manifest.display()
                )
            })?
            .to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => std::path::absolute(folder).into_diagnostic()?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The folder for everything the tool itself writes.
    pub(crate) fn output(&self) -> PathBuf {
        self.target.join("linchpin")
    }

    /// A cargo command in the project, free of what the outer `cargo run` and the user's shell set
    /// for other builds: what comes out must depend on the project alone.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        self.clean(&mut command);
        command
    }

    fn clean(&self, command: &mut Command) {
        command.current_dir(&self.root);
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_MANIFEST_DIR",
            "LINCHPIN_ISA",
            "LINCHPIN_PROFILE",
            "LINCHPIN_FLAVOUR",
            "LINCHPIN_BENCH_OPS",
        ] {
            command.env_remove(name);
        }
    }

    /// The same of the nightly compiler, for what the stable one has not.
    pub(crate) fn nightly_cargo(&self) -> Command {
        let mut command = Command::new("rustup");
        command.args(["run", "nightly", "cargo"]);
        self.clean(&mut command);
        for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
            command.env_remove(name);
        }
        command
    }

    /// The names of a package's programs, sorted.
    pub(crate) fn programs(&self, package: &str) -> Result<Vec<String>> {
        let output = self
            .cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .into_diagnostic()
            .wrap_err("cannot start `cargo metadata`")?;
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .into_diagnostic()
            .wrap_err_with(|| {
                format!(
                    "`cargo metadata` failed: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                )
            })?;
        let mut programs: Vec<String> = metadata
            .packages
            .into_iter()
            .filter(|candidate| candidate.name == package)
            .flat_map(|package| package.targets)
            .filter(|target| target.kind.iter().any(|kind| kind == "bin"))
            .map(|target| target.name)
            .collect();
        programs.sort();
        Ok(programs)
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Creates the folder that a file is going to lie in.
pub(crate) fn make_room_for(file: &Path) -> Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot create the folder {}", folder.display()))?;
    }
    Ok(())
}

/// Reads a whole file; the error names it.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot read {}", file.display()))
}

/// Writes a whole file; the error names it.
pub(crate) fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    make_room_for(file)?;
    std::fs::write(file, bytes)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot write {}", file.display()))
}

/// The compiler's first error explains the others.
pub(crate) fn from_first_error(text: &str) -> &str {
    let first = text.lines().find(|line| line.starts_with("error"));
    first
        .and_then(|line| text.find(line))
        .map_or(text, |place| &text[place..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiler_output_is_shown_from_its_first_error() {
        assert_eq!(
            from_first_error("warning: w\nerror[E1]: a\nerror: b\n"),
            "error[E1]: a\nerror: b\n"
        );
        assert_eq!(from_first_error("Diff in x\n"), "Diff in x\n");
    }
}
