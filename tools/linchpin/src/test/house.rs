//! Rules of the house that neither the compiler nor clippy knows.

use std::path::{Path, PathBuf};

use miette::{IntoDiagnostic, Result};
use regex::Regex;

use super::Context;
use crate::report::Case;
use crate::workspace;

/// One case per rule.
pub(super) fn rules(context: &Context) -> Result<Vec<Case>> {
    let root = &context.workspace.root;
    Ok(vec![cfg_in_its_places(root)?, c_free(root)?])
}

/// Where the kernel may choose by `cfg`: the two selections, and trace hooks. Tests may anywhere.
const CFG_PLACES: [&str; 4] = [
    "kernel/src/isa/mod.rs",
    "kernel/src/isa.rs",
    "machine/src/lib.rs",
    "kernel/src/trace.rs",
];

/// Tests, and the standard library that the host has and the target has not.
const EXEMPT: [&str; 2] = ["cfg(test)", ", no_std)"];

/// A `cfg` inside the core is a second program that no reader and no test sees.
fn cfg_in_its_places(root: &Path) -> Result<Case> {
    let name = "cfg only selects the ISA and the machine";
    let mut found = Vec::new();
    for folder in ["kernel/src", "machine/src"] {
        for file in rust_files(&root.join(folder))? {
            let place = file.strip_prefix(root).unwrap_or(&file).to_path_buf();
            if CFG_PLACES.iter().any(|allowed| place == Path::new(allowed)) {
                continue;
            }
            let text = String::from_utf8_lossy(&workspace::read(&file)?).into_owned();
            found.extend(
                cfg_lines(&text)
                    .into_iter()
                    .map(|line| format!("{}:{line}", place.display())),
            );
        }
    }
    Ok(if found.is_empty() {
        Case::passed(name)
    } else {
        Case::failed(name, found.join("\n"))
    })
}

/// The numbers of lines that decide by `cfg` about something other than tests.
fn cfg_lines(text: &str) -> Vec<usize> {
    let Ok(form) = Regex::new(r"\bcfg(?:_attr|!)?\s*\(") else {
        return Vec::new();
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| {
            let line = line.trim_start();
            !line.starts_with("//")
                && form.is_match(line)
                && !EXEMPT.iter().any(|word| line.contains(word))
        })
        .map(|(number, _)| number + 1)
        .collect()
}

/// The project is written in Rust; assembly lies in Rust files, layout in linker scripts.
fn c_free(root: &Path) -> Result<Case> {
    let name = "no C in the kernel's crates";
    let mut found = Vec::new();
    for folder in ["abi", "machine", "kernel", "image"] {
        let is_c = |file: &PathBuf| {
            file.extension()
                .is_some_and(|e| matches!(e.to_str(), Some("c" | "h" | "S" | "s")))
        };
        found.extend(
            files(&root.join(folder))?
                .into_iter()
                .filter(is_c)
                .map(|file| file.display().to_string()),
        );
    }
    Ok(if found.is_empty() {
        Case::passed(name)
    } else {
        Case::failed(name, found.join("\n"))
    })
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(files(folder)?
        .into_iter()
        .filter(|file| file.extension().is_some_and(|e| e == "rs"))
        .collect())
}

/// All files below a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_diagnostic()? {
            let path = entry.into_diagnostic()?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tests_may_be_conditional() {
        let text = "#[cfg(test)]\nmod tests;\n#[cfg(isa = \"x86_64\")]\nif cfg!(debug_assertions) {}\n// cfg(x)\n\
                    #[cfg_attr(test, derive(Debug))]\nlet configure = cfgs(1);\n";
        assert_eq!(cfg_lines(text), [3, 4, 6]);
        assert!(cfg_lines("#![cfg_attr(machine = \"real\", no_std)]").is_empty());
    }
}
