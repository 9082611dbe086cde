//! Negative controls: the kernel with a seeded defect, which exploration must catch. A copy of
//! the sources is changed and explored; the shipped sources know nothing of it.
//!
//! All defects are compiled into one copy, each behind a switch that the environment turns, so that
//! they are compiled once. With none turned on, exploration must find nothing.
//!
//! `cargo test -p linchpin-spec --test defects -- --ignored`
//!
//! `LINCHPIN_DEFECT` chooses those whose name contains it.

mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;
use table::{Change, DEFECTS, DOMAINS, Defect};

/// What the copy of the kernel asks.
const SWITCH: &str = r#"
//! Which defect is turned on.
use std::sync::OnceLock;

pub fn is(defect: usize) -> bool {
    static TURNED_ON: OnceLock<Option<usize>> = OnceLock::new();
    let on = || std::env::var("LINCHPIN_SEEDED").ok()?.parse().ok();
    *TURNED_ON.get_or_init(on) == Some(defect)
}
"#;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a directory");
        for entry in fs::read_dir(from).expect("a directory").flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        write(to, &fs::read(from).expect("a file"));
    }
}

/// Files that stay the same are left alone: they need not be compiled again.
fn write(to: &Path, content: &[u8]) {
    if fs::read(to).ok().as_deref() != Some(content) {
        fs::write(to, content).expect("a file");
    }
}

/// The crates that exploration needs, as a workspace of their own, with all defects.
fn sources(to: &Path) {
    // Files that are gone must not stay.
    for part in ["abi", "machine", "kernel", "spec"] {
        let _ = fs::remove_dir_all(to.join(part));
        copy(&root().join(part), &to.join(part));
    }
    for part in ["Cargo.lock", "rust-toolchain.toml"] {
        copy(&root().join(part), &to.join(part));
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let rest = manifest
        .split_once("[workspace.package]")
        .expect("a package section")
        .1;
    let members =
        "[workspace]\nresolver = \"3\"\nmembers = [\"abi\", \"machine\", \"kernel\", \"spec\"]\n\n";
    let manifest = format!("{members}[workspace.package]{rest}");
    write(&to.join("Cargo.toml"), manifest.as_bytes());
    for (n, defect) in DEFECTS.iter().enumerate() {
        seed(to, n, defect);
    }
    let lib = to.join("kernel/src/lib.rs");
    let text = fs::read_to_string(&lib).expect("the kernel");
    let text = text.replacen("pub mod bits;", "pub mod bits;\npub mod seeded;", 1);
    let text = text.replacen("#![deny", "#![allow(unused)]\n#![deny", 1);
    write(&lib, text.as_bytes());
    write(&to.join("kernel/src/seeded.rs"), SWITCH.as_bytes());
}

fn seed(to: &Path, n: usize, defect: &Defect) {
    let file = to.join(file_of(defect));
    let source = fs::read_to_string(&file).expect("a source");
    let Change {
        around,
        right,
        wrong,
    } = place(&source, defect);
    let switched = match right.ends_with(';') {
        true => format!("if crate::seeded::is({n}) {{ {wrong} }} else {{ {right} }}"),
        false => format!("(if crate::seeded::is({n}) {{ {wrong} }} else {{ {right} }})"),
    };
    let source = source.replace(around, &around.replace(right, &switched));
    write(&file, source.as_bytes());
}

fn file_of(defect: &Defect) -> String {
    let isa = match abi::ISA {
        abi::Isa::X86_64 => "x86_64",
        abi::Isa::AArch64 => "aarch64",
        abi::Isa::RiscV64 => "riscv64",
    };
    defect.file.replace("{isa}", isa)
}

/// The one change that fits `source`.
fn place(source: &str, defect: &Defect) -> &'static Change {
    let name = defect.name;
    let fits = |change: &&Change| source.matches(change.around).count() == 1;
    let here: Vec<&Change> = defect.changes.iter().filter(fits).collect();
    assert_eq!(here.len(), 1, "`{name}` has no place, or several");
    let Change { around, right, .. } = here[0];
    assert_eq!(around.matches(right).count(), 1, "`{name}` in its place");
    here[0]
}

/// Explores a scope in the copy.
fn explore(at: &Path, scope: &str, defect: Option<usize>) -> Output {
    let mut run = Command::new(env!("CARGO"));
    let (profile, test) = match scope {
        DOMAINS => ("domains", "domains"),
        _ => ("default", "small"),
    };
    run.current_dir(at)
        .env("CARGO_TARGET_DIR", at.join("target").join(profile))
        .env("LINCHPIN_PROFILE", profile)
        .env("RUST_BACKTRACE", "0")
        .env_remove("LINCHPIN_SEEDED")
        .envs(defect.map(|n| ("LINCHPIN_SEEDED", n.to_string())))
        .args(["test", "--offline", "--quiet", "-p", "linchpin-spec"])
        .args(["--test", test, "--", "--include-ignored", "--exact", scope]);
    run.output().expect("cargo runs")
}

fn text(run: &Output) -> String {
    let (out, err) = (&run.stdout, &run.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

#[test]
fn every_defect_has_its_place() {
    for defect in DEFECTS {
        let source = fs::read_to_string(root().join(file_of(defect))).expect("a source");
        place(&source, defect);
    }
}

#[test]
#[ignore = "compiles the kernel again"]
fn every_seeded_defect_is_caught() {
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("defects");
    sources(&at);
    let none = explore(&at, "address_spaces", None);
    assert!(none.status.success(), "without a defect: {}", text(&none));
    let mut missed = vec![];
    let only = std::env::var("LINCHPIN_DEFECT").unwrap_or_default();
    for (n, defect) in DEFECTS.iter().enumerate() {
        if !defect.name.contains(&only) || !defect.isas.contains(&abi::ISA) {
            continue;
        }
        let start = Instant::now();
        let run = explore(&at, defect.scope, Some(n));
        let said = text(&run);
        let found = said.lines().find(|line| line.starts_with("scope `"));
        let seconds = start.elapsed().as_secs_f64();
        let found_text = found.unwrap_or("NOT CAUGHT");
        println!("{}: {seconds:.1} s: {found_text}", defect.name);
        if run.status.success() || found.is_none() {
            println!("{said}");
            missed.push(defect.name);
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
