//! `linchpin doctor`: what is there, what is missing, what to do about it.

use std::process::Command;

use miette::{Result, miette};

use crate::kind::Arch;
use crate::setup::{self, Consent, Need};

/// One line of the report.
struct Check {
    name: String,
    state: State,
}

enum State {
    Found(String),
    Missing { command: String, optional: bool },
}

/// Whether the doctor treats what it finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    Report,
    Install(Consent),
}

/// Prints the report; fails if something that a command needs is missing at the end.
pub(crate) fn doctor(treatment: Treatment) -> Result<()> {
    if let Treatment::Install(consent) = treatment {
        install(consent)?;
    }
    let checks = examine();
    for check in &checks {
        match &check.state {
            State::Found(what) => println!("  found    {:<24} {what}", check.name),
            State::Missing { command, optional } => {
                let word = if *optional { "optional" } else { "MISSING " };
                println!("  {word} {:<24} get it with: {command}", check.name);
            }
        }
    }
    let missing = checks
        .iter()
        .filter(|check| {
            matches!(
                check.state,
                State::Missing {
                    optional: false,
                    ..
                }
            )
        })
        .count();
    if missing == 0 {
        println!("All that Linchpin needs is here.");
        return Ok(());
    }
    Err(miette!(
        help = "run `cargo linchpin doctor --fix`, or the commands above; `run`, `test` and `image` install what they need by themselves where no question is asked",
        "{missing} missing"
    ))
}

fn install(consent: Consent) -> Result<()> {
    for arch in Arch::ALL {
        setup::rust_target(arch.target())?;
    }
    let emulators = Arch::ALL.map(|arch| arch.traits().qemu);
    for need in emulators.iter().chain(&[setup::GRUB, setup::XORRISO]) {
        setup::ensure(need, consent)?;
    }
    Ok(())
}

fn examine() -> Vec<Check> {
    let mut checks = vec![
        program(
            "rustc",
            &["rustc", "--version"],
            "install Rust with rustup: https://rustup.rs",
            false,
        ),
        program(
            "rustfmt",
            &["cargo", "fmt", "--version"],
            "rustup component add rustfmt",
            false,
        ),
        program(
            "clippy",
            &["cargo", "clippy", "--version"],
            "rustup component add clippy",
            false,
        ),
        program(
            "cargo-nextest",
            &["cargo-nextest", "--version"],
            "cargo install --locked cargo-nextest",
            true,
        ),
    ];
    for arch in Arch::ALL {
        let state = if setup::has_rust_target(arch.target()) {
            State::Found("installed".into())
        } else {
            State::Missing {
                command: format!("rustup target add {}", arch.target()),
                optional: false,
            }
        };
        checks.push(Check {
            name: format!("target {}", arch.target()),
            state,
        });
    }
    for arch in Arch::ALL {
        let emulator = arch.traits().qemu;
        let version = [emulator.program(), "--version"];
        checks.push(need(&emulator, &version, false));
    }
    checks.push(need(&setup::GRUB, &["grub-mkimage", "--version"], false));
    checks.push(need(&setup::XORRISO, &["xorriso", "--version"], false));
    checks.push(need(&setup::GDB, &["gdb", "--version"], true));
    checks.push(need(&setup::BINUTILS, &["addr2line", "--version"], true));
    checks.push(need(&setup::CXX, &["g++", "--version"], true));
    checks.push(need(&setup::PIP, &["pip3", "--version"], true));
    checks
}

fn need(need: &Need, version: &[&str], optional: bool) -> Check {
    let state = if need.is_met() {
        State::Found(first_line(version).unwrap_or_default())
    } else {
        State::Missing {
            command: need.command(),
            optional,
        }
    };
    Check {
        name: need.name.into(),
        state,
    }
}

fn program(name: &str, version: &[&str], command: &str, optional: bool) -> Check {
    let state = match first_line(version) {
        Some(line) => State::Found(line),
        None => State::Missing {
            command: command.into(),
            optional,
        },
    };
    Check {
        name: name.into(),
        state,
    }
}

fn first_line(command: &[&str]) -> Option<String> {
    let output = Command::new(command[0]).args(&command[1..]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().to_owned())
}
