//! Every relative link in the documents leads somewhere.

use std::path::{Path, PathBuf};

use miette::{IntoDiagnostic, Result};
use regex::Regex;

use super::Context;
use crate::report::Case;
use crate::workspace;

/// One case per document.
pub(super) fn links(context: &Context) -> Result<Vec<Case>> {
    let root = &context.workspace.root;
    let mut cases = Vec::new();
    for document in documents(root)? {
        let name = document
            .strip_prefix(root)
            .unwrap_or(&document)
            .display()
            .to_string();
        let text = String::from_utf8_lossy(&workspace::read(&document)?).into_owned();
        let broken: Vec<String> = targets(&text)
            .into_iter()
            .filter_map(|link| broken(&document, &text, &link))
            .chain(
                named(&text)
                    .into_iter()
                    .filter_map(|(item, target)| missing(&document, &item, &target)),
            )
            .collect();
        cases.push(if broken.is_empty() {
            Case::passed(name)
        } else {
            Case::failed(name, broken.join("\n"))
        });
    }
    Ok(cases)
}

/// The Markdown files at the top and below docs/.
fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = markdown_in(root)?;
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop().filter(|folder| folder.is_dir()) {
        found.extend(markdown_in(&folder)?);
        for entry in std::fs::read_dir(&folder).into_diagnostic()? {
            let path = entry.into_diagnostic()?.path();
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn markdown_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_diagnostic()? {
        let path = entry.into_diagnostic()?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The targets of `[text](target)`, outside code blocks.
fn targets(markdown: &str) -> Vec<String> {
    let Ok(form) = Regex::new(r"\]\(([^)\s]+)\)") else {
        return Vec::new();
    };
    let mut in_code = false;
    let mut found = Vec::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            found.extend(form.captures_iter(line).map(|link| link[1].to_owned()));
        }
    }
    found
}

/// The links whose text is the name of an item, "[`name`](file.rs)": name and target.
fn named(markdown: &str) -> Vec<(String, String)> {
    let Ok(form) = Regex::new(r"\[`(\w+)`\]\(([^)\s#]+\.rs)\)") else {
        return Vec::new();
    };
    form.captures_iter(markdown)
        .map(|link| (link[1].to_owned(), link[2].to_owned()))
        .collect()
}

/// Why a link to a named item is wrong: the file defines nothing of that name.
fn missing(document: &Path, item: &str, target: &str) -> Option<String> {
    let text = std::fs::read_to_string(document.parent()?.join(target)).ok()?;
    let defines = Regex::new(&format!(
        r"\b(fn|struct|enum|trait|const|static|mod|type) {item}\b"
    ))
    .ok()?;
    (!defines.is_match(&text))
        .then(|| format!("({target}): nothing called `{item}` is defined there"))
}

/// Why a link leads nowhere. Links to other sites are not followed.
fn broken(document: &Path, text: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link
        .split_once('#')
        .map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let file = if path.is_empty() {
        document.to_path_buf()
    } else {
        document.parent()?.join(path)
    };
    if !file.exists() {
        return Some(format!("({link}): there is no {path}"));
    }
    let anchor = anchor?;
    let text = if path.is_empty() {
        text.to_owned()
    } else {
        std::fs::read_to_string(&file).ok()?
    };
    (!has_anchor(&text, anchor)).then(|| format!("({link}): nothing there answers to #{anchor}"))
}

/// A heading whose slug it is, an explicit anchor, or a line number (`L12`) of a source file.
fn has_anchor(text: &str, anchor: &str) -> bool {
    let line = anchor
        .strip_prefix('L')
        .and_then(|number| number.parse::<usize>().ok());
    line.is_some_and(|line| line <= text.lines().count())
        || text.contains(&format!("id=\"{anchor}\""))
        || text
            .lines()
            .filter(|line| line.starts_with('#'))
            .any(|line| slug(line) == anchor)
}

/// A heading's anchor as code hosts make it.
fn slug(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_outside_code() {
        let text = "see [a](b.md) and [c](d.rs#L3)\n```\n[no](link)\n```\n[e](#f)";
        assert_eq!(targets(text), ["b.md", "d.rs#L3", "#f"]);
    }

    #[test]
    fn a_named_item_must_be_defined_where_the_link_leads() {
        let text = "read [`run`](src/run.rs), then [run](src/run.rs)";
        assert_eq!(named(text), [("run".to_owned(), "src/run.rs".to_owned())]);
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(missing(&here, "missing", "src/test/docs.rs").is_none());
        assert!(missing(&here, "no_such_item", "src/test/docs.rs").is_some());
    }

    #[test]
    fn anchors_are_headings_ids_or_lines() {
        let text = "# The Ref<T> `live` rule\n<a id=\"x\"></a>\n";
        assert!(has_anchor(text, "the-reft-live-rule"));
        assert!(has_anchor(text, "x"));
        assert!(has_anchor(text, "L2"));
        assert!(!has_anchor(text, "L3"));
        assert!(!has_anchor(text, "y"));
    }

    #[test]
    fn a_missing_file_is_a_broken_link() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(broken(&here, "", "no/such/file.rs").is_some());
        assert!(broken(&here, "", "src/main.rs").is_none());
        assert!(broken(&here, "", "https://example.org/none").is_none());
        assert!(broken(&here, "# Title", "#title").is_none());
    }
}
