//! `linchpin bench --paths`: the longest stays in the kernel, and the longest runs in it without a
//! look for interrupts, over programs that call it in many ways.
//!
//! Measured, not proved: there may be longer ones that no program here takes. [`measure`] runs the
//! programs, [`names`] says what the addresses mean, [`gate`] holds figures against earlier ones.

mod gate;
mod measure;
mod names;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use miette::{IntoDiagnostic, Result};
use serde::{Deserialize, Serialize};

use super::figures::Setting;
use crate::build;
use crate::kind::Arch;
use crate::workspace::{self, Workspace};
pub(crate) use gate::{check, update};

/// Functions that are named of each path.
const NAMED: usize = 3;

/// A way into the kernel: how often it was taken, and what it cost at most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Way {
    /// A system call, and the invocation that its message asks for; or what interrupted user space.
    way: String,
    stays: u64,
    /// Of all stays.
    instructions: u64,
    /// The longest.
    stay: Longest,
    /// The longest without a look for interrupts.
    run: Longest,
}

/// Instructions, in which program, and the functions that took most of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Longest {
    instructions: u64,
    program: String,
    /// How often this stay looked for interrupts.
    looks: u64,
    functions: Vec<(String, u64)>,
}

impl Longest {
    fn join(&mut self, other: Self) {
        if other.instructions > self.instructions {
            *self = other;
        }
    }
}

impl Way {
    fn join(&mut self, other: Self) {
        self.stays += other.stays;
        self.instructions += other.instructions;
        self.stay.join(other.stay);
        self.run.join(other.run);
    }

    /// Without the invocation.
    fn kind(&self) -> &str {
        self.way.split(' ').next().unwrap_or_default()
    }
}

/// All ways, and how they were measured.
#[derive(Clone, Debug, PartialEq)]
struct Paths {
    setting: Setting,
    ways: Vec<Way>,
}

impl Paths {
    fn to_lines(&self) -> Result<String> {
        let mut text = serde_json::to_string(&self.setting).into_diagnostic()?;
        for way in &self.ways {
            text.push('\n');
            text.push_str(&serde_json::to_string(way).into_diagnostic()?);
        }
        text.push('\n');
        Ok(text)
    }

    fn from_lines(text: &str) -> serde_json::Result<Self> {
        let mut lines = text.lines();
        Ok(Self {
            setting: serde_json::from_str(lines.next().unwrap_or_default())?,
            ways: lines.map(serde_json::from_str).collect::<Result<_, _>>()?,
        })
    }
}

/// One for each name, in the order of names.
fn joined(ways: impl IntoIterator<Item = Way>) -> Vec<Way> {
    let mut by_name: BTreeMap<String, Way> = BTreeMap::new();
    for way in ways {
        by_name
            .entry(way.way.clone())
            .or_insert_with(|| Way {
                way: way.way.clone(),
                ..Way::default()
            })
            .join(way);
    }
    by_name.into_values().collect()
}

/// Measures, prints, and saves.
pub(crate) fn show(workspace: &Workspace, arch: Arch, save: Option<&Path>) -> Result<()> {
    let paths = measure::over(measure::ALL, workspace, arch, build::Show::Progress)?;
    print!("{}", table(&paths));
    if let Some(file) = save {
        workspace::write(file, paths.to_lines()?.as_bytes())?;
        println!("saved to {}", build::shown(file));
    }
    Ok(())
}

fn table(paths: &Paths) -> String {
    let mut ways: Vec<&Way> = paths.ways.iter().collect();
    ways.sort_by_key(|way| std::cmp::Reverse(way.run.instructions));
    let widest = ways.iter().map(|way| way.way.len()).max().unwrap_or(0);
    let mut text = format!(
        "{}: kernel instructions over {} ({})\n\
         {:<widest$} {:>9} {:>8} {:>9} {:>6} {:>9}  where the longest run without a look was\n",
        paths.setting.arch,
        measure::ALL.join(", "),
        paths.setting.emulator,
        "way in",
        "stays",
        "mean",
        "longest",
        "looks",
        "no look"
    );
    for way in ways {
        let _ = writeln!(
            text,
            "{:<widest$} {:>9} {:>8} {:>9} {:>6} {:>9}  {}: {}",
            way.way,
            way.stays,
            way.instructions / way.stays.max(1),
            way.stay.instructions,
            way.stay.looks,
            way.run.instructions,
            way.run.program,
            places(&way.run)
        );
    }
    text
}

fn places(longest: &Longest) -> String {
    let part = |(function, spent): &(String, u64)| {
        format!("{function} {} %", spent * 100 / longest.instructions.max(1))
    };
    let parts: Vec<String> = longest.functions.iter().map(part).collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::run;
    use super::*;

    pub(super) fn way(name: &str, stay: u64, run: u64) -> Way {
        let longest = |instructions| Longest {
            instructions,
            program: "p".into(),
            looks: 1,
            functions: vec![("f".into(), instructions / 2)],
        };
        Way {
            way: name.into(),
            stays: 2,
            instructions: 2 * stay,
            stay: longest(stay),
            run: longest(run),
        }
    }

    pub(super) fn paths(ways: Vec<Way>) -> Paths {
        Paths {
            setting: run(Vec::new()).setting,
            ways,
        }
    }

    #[test]
    fn what_is_saved_can_be_read() {
        let paths = paths(vec![way("Call", 5, 4), way("interrupt", 7, 7)]);
        let text = paths.to_lines().expect("serialises");
        assert_eq!(Paths::from_lines(&text).expect("reads"), paths);
    }

    #[test]
    fn the_longest_of_ways_of_one_name_remains() {
        let ways = joined([way("Call", 50, 4), way("Call", 7, 6), way("Wait", 1, 1)]);
        assert_eq!(ways.len(), 2);
        let (stay, run) = (&ways[0].stay, &ways[0].run);
        assert_eq!((stay.instructions, run.instructions), (50, 6));
        assert_eq!((ways[0].stays, ways[0].instructions), (4, 114));
    }

    #[test]
    fn the_table_begins_with_the_longest_run() {
        let text = table(&paths(vec![way("Wait", 9, 9), way("Call Retype", 50, 40)]));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].starts_with("Call Retype"), "{text}");
        assert!(lines[2].ends_with("p: f 50 %"), "{text}");
    }
}
