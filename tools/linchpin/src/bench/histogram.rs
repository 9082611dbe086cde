//! Where in our kernel the instructions of one operation are spent.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use miette::{IntoDiagnostic, Result, WrapErr, miette};

use super::figures::{Figure, Run};
use super::machine::{Bench, Histogram, Subject};
use crate::build::{self, Show};
use crate::workspace;

/// Rows of each table.
const FUNCTIONS: usize = 45;
const LINES: usize = 60;
/// User addresses are below.
const KERNEL: u64 = 1 << 63;

/// Runs twice: to find the operation, and to look into it.
pub(crate) fn show(bench: &Bench, wanted: &str) -> Result<()> {
    let subject = bench.ours(Show::Progress)?;
    let region = regions(bench.run(&subject)?)
        .iter()
        .position(|figure| is_wanted(figure, wanted))
        .ok_or_else(|| miette!("no measured operation is `{wanted}`"))?;
    let histogram = Histogram {
        region,
        file: bench.scratch("histogram.txt"),
    };
    let figures = regions(bench.run_with(&subject, Some(&histogram))?);
    let figure = figures
        .get(region)
        .ok_or_else(|| miette!("the second run was another one"))?;
    let Subject::Ours(kernel) = &subject else {
        return Err(miette!(
            "only our kernel says where its instructions come from"
        ));
    };
    let counts = counts(&workspace::read(&histogram.file)?);
    let places = places(&kernel.elf, counts.iter().map(|(address, _)| *address))?;
    println!(
        "{} {}: {:.1} instructions in the kernel, each time",
        figure.op,
        figure.parameter,
        figure.each()
    );
    print!("{}", tables(&counts, &places, figure.count as f64));
    println!(
        "addresses with their counts: {}",
        build::shown(&histogram.file)
    );
    Ok(())
}

/// What was measured between two marks, in order: all but boot.
fn regions(run: Run) -> Vec<Figure> {
    let between = |figure: &Figure| figure.memory.is_some();
    run.figures.into_iter().filter(between).collect()
}

/// `OP`, or `OP:PARAMETER`, the parameter in part.
fn is_wanted(figure: &Figure, wanted: &str) -> bool {
    match wanted.split_once(':') {
        Some((op, parameter)) => figure.op == op && figure.parameter.contains(parameter),
        None => figure.op == wanted,
    }
}

/// The kernel's addresses, and how often each was executed.
fn counts(file: &[u8]) -> Vec<(u64, u64)> {
    String::from_utf8_lossy(file)
        .lines()
        .filter_map(|line| {
            let (address, count) = line.split_once(' ')?;
            let address = u64::from_str_radix(address.trim_start_matches("0x"), 16).ok()?;
            Some((address, count.parse().ok()?))
        })
        .filter(|&(address, _)| address >= KERNEL)
        .collect()
}

/// A function and a line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) function: String,
    place: String,
}

impl Frame {
    /// Whether it is of the language's own library, whose names say little.
    fn is_core(&self) -> bool {
        self.place.contains("/rustc/") || self.place.contains("/library/core/")
    }
}

/// For each address the function it is in, innermost first: all that were inlined there.
pub(super) fn places(
    kernel: &Path,
    addresses: impl IntoIterator<Item = u64>,
) -> Result<HashMap<u64, Vec<Frame>>> {
    let mut tool = Command::new("addr2line")
        .args([
            "--addresses",
            "--functions",
            "--demangle",
            "--inlines",
            "--exe",
        ])
        .arg(kernel)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .into_diagnostic()
        .wrap_err("cannot start addr2line, which is one of the binutils")?;
    let mut input = tool.stdin.take();
    let addresses = addresses
        .into_iter()
        .fold(String::new(), |mut text, address| {
            let _ = writeln!(text, "{address:#x}");
            text
        });
    // It answers while it reads: who only writes would wait for it for ever.
    let writer = std::thread::spawn(move || {
        if let Some(input) = &mut input {
            let _ = input.write_all(addresses.as_bytes());
        }
    });
    let output = tool.wait_with_output().into_diagnostic()?;
    let _ = writer.join();
    Ok(read_places(&String::from_utf8_lossy(&output.stdout)))
}

fn read_places(text: &str) -> HashMap<u64, Vec<Frame>> {
    let mut places: HashMap<u64, Vec<Frame>> = HashMap::new();
    let mut address = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(hex) = line.strip_prefix("0x") {
            address = u64::from_str_radix(hex, 16).unwrap_or(0);
        } else if let Some(place) = lines.next() {
            places.entry(address).or_default().push(Frame {
                function: line.to_owned(),
                place: place.to_owned(),
            });
        }
    }
    places
}

fn tables(counts: &[(u64, u64)], places: &HashMap<u64, Vec<Frame>>, times: f64) -> String {
    let mut inner = HashMap::new();
    let mut outer = HashMap::new();
    let mut lines = HashMap::new();
    for (address, count) in counts {
        let frames = places.get(address).map_or(&[][..], Vec::as_slice);
        let own = frames.iter().find(|frame| !frame.is_core());
        let name = |frame: Option<&Frame>| frame.map_or("?".into(), |frame| frame.function.clone());
        *inner.entry(name(own)).or_insert(0) += count;
        *outer.entry(name(frames.last())).or_insert(0) += count;
        let place = own.map_or("?".into(), |frame| short(&frame.place));
        *lines.entry(place).or_insert(0) += count;
    }
    let mut text = String::new();
    for (title, rows, most) in [
        (
            "functions, with what was inlined into them",
            outer,
            FUNCTIONS,
        ),
        ("functions, as they are written", inner, FUNCTIONS),
        ("lines", lines, LINES),
    ] {
        let mut rows: Vec<(String, u64)> = rows.into_iter().collect();
        rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let _ = writeln!(text, "\n{title}");
        for (name, count) in rows.iter().take(most) {
            let _ = writeln!(text, "{:>8.1}  {name}", *count as f64 / times);
        }
    }
    text
}

/// The last parts of a path, and the line.
fn short(place: &str) -> String {
    let place = place.split(' ').next().unwrap_or(place);
    let parts: Vec<&str> = place.rsplitn(5, '/').take(4).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0xffffffff80100000\ncore::option::is_some\n/rustc/1/library/core/option.rs:5\n\
                        kernel::plan\n/a/b/kernel/src/fastpath.rs:7 (discriminator 2)\n\
                        kernel::enter\n/a/b/kernel/src/entry.rs:1\n";

    #[test]
    fn instructions_belong_to_our_own_innermost_function() {
        let counts = counts(b"0xffffffff80100000 128\n0x400000 3\n");
        assert_eq!(counts, [(0xffff_ffff_8010_0000, 128)]);
        let text = tables(&counts, &read_places(TEXT), 64.0);
        assert!(text.contains("     2.0  kernel::plan\n"), "{text}");
        assert!(text.contains("     2.0  kernel::enter\n"), "{text}");
        assert!(
            text.contains("     2.0  b/kernel/src/fastpath.rs:7\n"),
            "{text}"
        );
    }
}
