//! Negative controls: the kernel with a seeded defect, which exploration must catch. A copy of
//! the sources is changed and explored; the shipped sources know nothing of it.
//!
//! `cargo test -p linchpin-spec --test defects -- --ignored`
//!
//! `LINCHPIN_DEFECT` chooses those whose name contains it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A defect: what is changed where, and the scope that must find it.
struct Defect {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    scope: &'static str,
}

const DEFECTS: &[Defect] = &[
    Defect {
        name: "a link is not mended when a waiter leaves the queue",
        file: "kernel/src/queue.rs",
        from: "            links.previous = previous;",
        to: "            links.previous = links.previous;",
        scope: "messages_between_three",
    },
    Defect {
        name: "the watermark is reset with a live child",
        file: "kernel/src/object/untyped.rs",
        from: "if cap.watermark != 0 && !cdt::has_children(k, self.untyped) {",
        to: "if cap.watermark != 0 && (cap.bits < 8 || !cdt::has_children(k, self.untyped)) {",
        scope: "derivation",
    },
    Defect {
        name: "rights are not masked",
        file: "kernel/src/cap.rs",
        from: "        Self(self.0 & bits)",
        to: "        Self(self.0 | (bits & 0))",
        scope: "derivation",
    },
    Defect {
        name: "an index is not checked",
        file: "kernel/src/object/untyped.rs",
        from: "if offset >= slots {",
        to: "if offset > slots {",
        scope: "derivation",
    },
    Defect {
        name: "the last capability is taken for last though another comes before it",
        file: "kernel/src/cdt.rs",
        from: "!elsewhere(links.previous()) && !elsewhere(links.next())",
        to: "!elsewhere(links.next())",
        scope: "derivation",
    },
    Defect {
        name: "a call that gave way is not made again",
        file: "kernel/src/invocation.rs",
        from: "        return Err(Preempted);\n    }\n    // The operation may",
        to: "        k[thread].state = ThreadState::Running;\n        return Ok(());\n    }\n    // The operation may",
        scope: "everything_ends",
    },
    Defect {
        name: "a revoked slot is looked at after its CNode has ended",
        file: "kernel/src/delete.rs",
        from: "k.revoking = k.revoking.filter(|slot| {",
        to: "let _ = k.revoking.filter(|slot| {",
        scope: "everything_ends",
    },
    Defect {
        name: "time that was lent does not come back with the answer",
        file: "kernel/src/object/reply.rs",
        from: "            if k[caller].sched_context.is_none() {",
        to: "            if k[caller].sched_context.is_none() && previous.is_some() {",
        scope: "messages_between_three",
    },
    Defect {
        name: "who comes later stands before its equals",
        file: "kernel/src/ipc.rs",
        from: "k[other].priority < priority",
        to: "k[other].priority <= priority",
        scope: "messages_between_three",
    },
    Defect {
        name: "capabilities travel without the right to grant",
        file: "kernel/src/ipc.rs",
        from: "if can_grant && info.extra_caps() > 0 {",
        to: "if info.extra_caps() > 0 {",
        scope: "capabilities_by_message",
    },
    Defect {
        name: "a second signal forgets the first",
        file: "kernel/src/object/notification.rs",
        from: "Signal::Active(old | badge)",
        to: "Signal::Active(old & badge)",
        scope: "signals",
    },
    Defect {
        name: "a second signal forgets the first, on the fast way",
        file: "kernel/src/fastpath.rs",
        from: "let badge = before | cap.badge;",
        to: "let badge = before & cap.badge;",
        scope: "signals",
    },
    Defect {
        name: "time that a notification lent is not given back",
        file: "kernel/src/object/sched_context.rs",
        from: "        k[tcb].sched_context = None;\n        k[sc].tcb = None;",
        to: "        k[sc].tcb = k[sc].tcb;",
        scope: "signals",
    },
    Defect {
        name: "a refill is lost in part",
        file: "kernel/src/refill.rs",
        from: "                amount: used,\n            });\n        }\n        self.merge_small_heads(limits);",
        to: "                amount: used / 2,\n            });\n        }\n        self.merge_small_heads(limits);",
        scope: "budgets",
    },
    Defect {
        name: "the timer does not know who waits for time",
        file: "kernel/src/sched.rs",
        from: "deadline = deadline.min(release_time(k, thread));",
        to: "let _ = release_time(k, thread);",
        scope: "budgets",
    },
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a directory");
        for entry in fs::read_dir(from).expect("a directory").flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else if fs::read(from).ok() != fs::read(to).ok() {
        fs::copy(from, to).expect("a file");
    }
}

/// The crates that exploration needs, as a workspace of their own.
fn sources(to: &Path) {
    for part in [
        "abi",
        "machine",
        "kernel",
        "spec",
        "Cargo.lock",
        "rust-toolchain.toml",
    ] {
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
    fs::write(to.join("Cargo.toml"), manifest).expect("a manifest");
}

#[test]
#[ignore = "compiles the kernel once for each defect"]
fn every_seeded_defect_is_caught() {
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("defects");
    let mut missed = vec![];
    let only = std::env::var("LINCHPIN_DEFECT").unwrap_or_default();
    for defect in DEFECTS.iter().filter(|defect| defect.name.contains(&only)) {
        sources(&at);
        let file = at.join(defect.file);
        let source = fs::read_to_string(&file).expect("a source");
        let places = source.matches(defect.from).count();
        assert_eq!(places, 1, "`{}` has no place, or several", defect.name);
        fs::write(&file, source.replace(defect.from, defect.to)).expect("a source");
        let run = Command::new(env!("CARGO"))
            .current_dir(&at)
            .env("CARGO_TARGET_DIR", at.join("target"))
            .args([
                "test",
                "--offline",
                "--quiet",
                "-p",
                "linchpin-spec",
                "--test",
                "small",
            ])
            .args(["--", "--exact", defect.scope])
            .output()
            .expect("cargo runs");
        let said = String::from_utf8_lossy(&run.stdout).into_owned()
            + &String::from_utf8_lossy(&run.stderr);
        let found = said.lines().find(|line| line.starts_with("scope `"));
        println!("{}: {}", defect.name, found.unwrap_or("NOT CAUGHT"));
        if run.status.success() || found.is_none() {
            println!("{said}");
            missed.push(defect.name);
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
