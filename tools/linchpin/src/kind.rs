//! Which kernel: architecture, flavour, profile.

use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use miette::{Result, miette};

use crate::suggest::did_you_mean;
use crate::workspace::Workspace;

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

    pub(crate) fn kernel_flags(self) -> &'static [&'static str] {
        match self {
            // An interrupt would write into a red zone; the kernel lies in the top 2 GiB.
            Arch::X86_64 => &[
                "-Crelocation-model=static",
                "-Ccode-model=kernel",
                "-Cno-redzone=yes",
            ],
        }
    }

    pub(crate) fn user_flags(self) -> &'static [&'static str] {
        match self {
            // The target's own code model, with which its `core` is compiled: link-time
            // optimisation refuses to mix two. Programs lie below 2 GiB, where it is as good.
            Arch::X86_64 => &["-Crelocation-model=static"],
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
