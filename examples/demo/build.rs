//! Builds the programs of the processes, which init carries inside itself.
//!
//! Cargo on stable Rust cannot make one program a part of another, so this script calls cargo a
//! second time, for the package in `processes/`, with a target folder of its own. The environment
//! that says for which kernel we build is handed on.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One file of `processes/src/bin` each; `PROGRAM_NAME` tells `src/init/image.rs` where it is.
const PROGRAMS: [&str; 7] = [
    "serial", "timer", "pager", "wanderer", "client", "server", "spinner",
];

/// What cargo and clippy set for the outer build alone.
const NOT_FOR_THE_INNER_BUILD: [&str; 5] = [
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "CLIPPY_ARGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_TARGET_DIR",
];

fn main() {
    user_link::program();
    for folder in ["processes", "../../user", "../../abi"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    for name in ["LINCHPIN_ISA", "LINCHPIN_PROFILE", "LINCHPIN_FLAVOUR"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    let out = PathBuf::from(variable("OUT_DIR"));
    let folder = if variable("CARGO_CFG_TARGET_OS") == "none" {
        build(&out)
    } else {
        placeholders(&out)
    };
    for program in PROGRAMS {
        let name = program.to_uppercase();
        println!(
            "cargo:rustc-env=PROGRAM_{name}={}",
            folder.join(program).display()
        );
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

/// The folder with the programs.
fn build(out: &Path) -> PathBuf {
    let target = variable("TARGET");
    let profile = match std::env::var("LINCHPIN_FLAVOUR").as_deref() {
        Ok("release" | "benchmark") => "image-release",
        _ => "image-debug",
    };
    let target_dir = out.join("processes");
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .current_dir(Path::new(&variable("CARGO_MANIFEST_DIR")).join("processes"))
        .args(["build", "--bins", "--target", &target])
        .args(["--profile", profile, "--target-dir"])
        .arg(&target_dir);
    // Nobody looks for names in a program inside a program; its file is there for debuggers.
    let strip = format!(
        "CARGO_PROFILE_{}_STRIP",
        profile.to_uppercase().replace('-', "_")
    );
    cargo.env(strip, "symbols");
    for name in NOT_FOR_THE_INNER_BUILD {
        cargo.env_remove(name);
    }
    let status = cargo.status().expect("cargo can be started");
    assert!(
        status.success(),
        "the programs of the processes do not build"
    );
    target_dir.join(target).join(profile)
}

/// On a host nothing runs, but `cargo check` of the whole workspace wants files.
fn placeholders(out: &Path) -> PathBuf {
    for program in PROGRAMS {
        std::fs::write(out.join(program), b"").expect("the output folder can be written");
    }
    out.to_path_buf()
}
