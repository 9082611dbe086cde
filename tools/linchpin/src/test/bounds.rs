//! Claims about the machine code of images, and a seeded defect that must not link.

use std::path::{Path, PathBuf};

use miette::{IntoDiagnostic, Result, miette};

use super::host::{BOUND, read_libtest};
use super::{Context, command};
use crate::build::{self, Show};
use crate::kind::Kind;
use crate::report::{Case, Verdict};
use crate::workspace::{self, Workspace, from_first_error};

/// The stack's bound, no recursion, no call to where the image does not say.
pub(super) fn stack(context: &Context, kind: &Kind, elf: &Path) -> Result<Vec<Case>> {
    let mut analysis = context.workspace.cargo();
    analysis.args(["run", "--quiet", "--package", "linchpin-analysis", "--"]);
    analysis.arg(elf);
    let log = context.log(&format!("stack bound {kind}"));
    let finished = command::run(analysis, &log, BOUND)?;
    let mut cases = read_libtest(&finished.text);
    if cases.is_empty() {
        return Err(miette!(
            "the analysis said nothing:\n{}",
            from_first_error(&finished.text)
        ));
    }
    for case in &mut cases {
        let said = below(&finished.text, &case.name);
        if let Verdict::Failed(why) = &mut case.verdict {
            *why = said;
        }
    }
    Ok(cases)
}

/// The lines below a claim.
pub(super) fn below(text: &str, claim: &str) -> String {
    let head = format!("test {claim} ... ");
    text.lines()
        .skip_while(|line| !line.starts_with(&head))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Where the defect goes.
const PLACE: &str = "image/src/syscalls.rs";
const SOUND: &str = "let resume = entry::enter_syscall(";
const DEFECT: &str =
    "let number = [number, 0, 1][number as usize]; let resume = entry::enter_syscall(";
/// What the panic handler of images without panics calls.
const MISSING: &str = "linchpin_a_path_to_panic_survives";

/// A copy of the sources with an index that nothing checks: its image must not link.
pub(super) fn unchecked_index(context: &Context, kind: &Kind) -> Result<Vec<Case>> {
    let name = "an image with an unchecked index does not link";
    let copy = Workspace {
        root: context.workspace.output().join("defect/sources"),
        target: context.workspace.output().join("defect/target"),
    };
    let source = workspace::read(&context.workspace.root.join(PLACE))?;
    let source = String::from_utf8_lossy(&source).into_owned();
    if !source.contains(SOUND) {
        return Err(miette!("{PLACE} has no `{SOUND}` to change"));
    }
    copy_sources(&context.workspace.root, &copy.root)?;
    write_if_new(
        &copy.root.join(PLACE),
        source.replace(SOUND, DEFECT).as_bytes(),
    )?;
    let verdict = match build::kernel(&copy, kind, Show::OnFailure) {
        Ok(_) => Verdict::Failed("it was linked".into()),
        Err(why) => {
            let text = why
                .chain()
                .map(|cause| cause.to_string())
                .collect::<Vec<_>>()
                .join("\n");
            if text.contains(MISSING) {
                Verdict::Passed
            } else {
                Verdict::Failed(format!("it failed for another reason:\n{text}"))
            }
        }
    };
    // The next defect begins with sound sources.
    write_if_new(&copy.root.join(PLACE), source.as_bytes())?;
    Ok(vec![Case {
        name: name.into(),
        verdict,
    }])
}

/// Copies what is not hidden and not built. A file that has not changed keeps its time, so that
/// only what depends on a defect is compiled again.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(from.join(&folder)).into_diagnostic()? {
            let entry = entry.into_diagnostic()?;
            let name = entry.file_name();
            let path = folder.join(&name);
            let built = path == Path::new("target") || name == "node_modules";
            if built || name.to_string_lossy().starts_with('.') && name != ".cargo" {
                continue;
            }
            if entry.file_type().into_diagnostic()?.is_dir() {
                folders.push(path);
            } else {
                write_if_new(&to.join(&path), &workspace::read(&entry.path())?)?;
            }
        }
    }
    Ok(())
}

fn write_if_new(file: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(file).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    workspace::write(file, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_about_a_claim_follows_it() {
        let text = "test a ... ok\n1\n  2\n\ntest b ... FAILED\n3\n\n";
        assert_eq!(below(text, "a"), "1\n  2");
        assert_eq!(below(text, "b"), "3");
    }
}
