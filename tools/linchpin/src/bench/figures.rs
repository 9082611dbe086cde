//! What was measured, and how: the records that are printed, saved and compared.

use std::fmt;
use std::process::Command;

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use serde::{Deserialize, Serialize};

use super::Method;
use crate::kind::Arch;

/// Under which circumstances. Figures of different ones are not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub(crate) arch: String,
    pub(crate) method: Method,
    pub(crate) compiler: String,
    /// The compiler's flags for the kernel and for the program.
    pub(crate) flags: String,
    pub(crate) emulator: String,
}

impl Setting {
    /// On an emulator, which tells its version.
    pub(crate) fn of_emulator(arch: Arch, method: Method, emulator: Command) -> Result<Self> {
        Self::new(arch, method, first_line(emulator)?)
    }

    /// On a machine of this name.
    pub(crate) fn new(arch: Arch, method: Method, emulator: String) -> Result<Self> {
        let traits = arch.traits();
        Ok(Self {
            arch: arch.name().into(),
            method,
            compiler: first_line(Command::new("rustc"))?,
            flags: format!(
                "{} / {}",
                traits.kernel_flags.join(" "),
                traits.user_flags.join(" ")
            ),
            emulator,
        })
    }

    /// What of it differs.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let parts = |setting: &Self| {
            [
                ("architecture", setting.arch.clone()),
                ("method", setting.method.to_string()),
                ("compiler", setting.compiler.clone()),
                ("flags", setting.flags.clone()),
                ("emulator", setting.emulator.clone()),
            ]
        };
        parts(self)
            .into_iter()
            .zip(parts(other))
            .filter(|(ours, theirs)| ours != theirs)
            .map(|((name, ours), (_, theirs))| format!("{name}: `{ours}` and `{theirs}`"))
            .collect()
    }
}

/// One operation, measured `count` times; all counts are sums over these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) arch: String,
    pub(crate) kernel: String,
    pub(crate) op: String,
    pub(crate) parameter: String,
    pub(crate) count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instructions: Option<Instructions>,
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Memory>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cycles: Option<u64>,
}

/// Whose instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Instructions {
    /// Counted apart.
    Split {
        kernel: u64,
        user: u64,
        firmware: u64,
    },
    /// Kernel, firmware, and the user's side of the operation.
    Whole { total: u64 },
}

/// What the kernel did with memory: accesses, and distinct cache lines of 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) loads: u64,
    pub(crate) stores: u64,
    pub(crate) lines: Lines,
}

/// Distinct cache lines, of all repetitions together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lines {
    pub(crate) code: u64,
    pub(crate) data: u64,
}

impl Figure {
    /// What is compared: cycles where there are any; else the instructions that are not the
    /// user's, if that is known.
    pub(crate) fn cost(&self) -> u64 {
        match (self.cycles, self.instructions) {
            (Some(cycles), _) => cycles,
            (
                None,
                Some(Instructions::Split {
                    kernel, firmware, ..
                }),
            ) => kernel + firmware,
            (None, Some(Instructions::Whole { total })) => total,
            (None, None) => 0,
        }
    }

    /// The same, of one repetition.
    pub(crate) fn each(&self) -> f64 {
        self.cost() as f64 / self.count.max(1) as f64
    }

    /// By its name, or by the first words of it.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.op
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }

    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.op == other.op && self.parameter == other.parameter
    }
}

/// Figures and their setting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) setting: Setting,
    pub(crate) figures: Vec<Figure>,
}

impl Run {
    /// The figure of the same operation.
    pub(crate) fn find(&self, figure: &Figure) -> Option<&Figure> {
        self.figures
            .iter()
            .find(|candidate| candidate.is_of(figure))
    }

    /// A line for the setting, then one for each figure.
    pub(crate) fn to_lines(&self) -> Result<String> {
        let mut text = serde_json::to_string(&self.setting).into_diagnostic()?;
        for figure in &self.figures {
            text.push('\n');
            text.push_str(&serde_json::to_string(figure).into_diagnostic()?);
        }
        text.push('\n');
        Ok(text)
    }

    pub(crate) fn from_lines(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let first = lines.next().ok_or_else(|| miette!("the file is empty"))?;
        let setting = serde_json::from_str(first)
            .into_diagnostic()
            .wrap_err("the first line does not say how the figures were measured")?;
        let figures = lines
            .map(|line| {
                serde_json::from_str(line)
                    .into_diagnostic()
                    .wrap_err_with(|| format!("this is no figure: {line}"))
            })
            .collect::<Result<_>>()?;
        Ok(Self { setting, figures })
    }
}

/// What the program prints of a measurement.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Printed {
    pub(crate) op: String,
    pub(crate) parameter: String,
    pub(crate) count: u64,
    pub(crate) ticks: u64,
}

impl Printed {
    /// What is not measured by the program itself: how it came to run.
    pub(crate) fn boot(memory: &str) -> Self {
        Self {
            op: "boot".into(),
            parameter: format!("first instruction to first user instruction, memory={memory}"),
            count: 1,
            ticks: 0,
        }
    }

    /// All that are in the program's output, in order.
    pub(crate) fn read(lines: &[String]) -> Vec<Self> {
        lines
            .iter()
            .filter_map(|line| serde_json::from_str(line.trim_end()).ok())
            .collect()
    }
}

/// What the plugin writes of what lies between two marks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Counted {
    pub(crate) mark: String,
    kernel: u64,
    user: u64,
    firmware: u64,
    loads: u64,
    stores: u64,
    code_lines: u64,
    data_lines: u64,
}

impl Counted {
    pub(crate) fn read(text: &str) -> Result<Vec<Self>> {
        text.lines()
            .map(|line| {
                serde_json::from_str(line)
                    .into_diagnostic()
                    .wrap_err_with(|| format!("the plugin wrote `{line}`"))
            })
            .collect()
    }

    pub(crate) fn instructions(&self) -> Instructions {
        Instructions::Split {
            kernel: self.kernel,
            user: self.user,
            firmware: self.firmware,
        }
    }

    /// Before it has its own address space a kernel runs at low addresses: all is the kernel's.
    pub(crate) fn of_boot(&self) -> Instructions {
        Instructions::Split {
            kernel: self.kernel + self.user,
            user: 0,
            firmware: self.firmware,
        }
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory {
            loads: self.loads,
            stores: self.stores,
            lines: Lines {
                code: self.code_lines,
                data: self.data_lines,
            },
        }
    }
}

fn first_line(mut program: Command) -> Result<String> {
    let output = program
        .arg("--version")
        .output()
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot start {}", program.get_program().to_string_lossy()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Icount => "icount",
            Method::Plugin => "plugin",
            Method::Rocket => "rocket",
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn figure(op: &str, cost: u64) -> Figure {
        Figure {
            arch: "x86_64".into(),
            kernel: "ours".into(),
            op: op.into(),
            parameter: String::new(),
            count: 10,
            instructions: Some(Instructions::Whole { total: cost }),
            memory: None,
            cycles: None,
        }
    }

    pub(crate) fn run(figures: Vec<Figure>) -> Run {
        Run {
            setting: Setting {
                arch: "x86_64".into(),
                method: Method::Icount,
                compiler: "rustc 1".into(),
                flags: "-O".into(),
                emulator: "QEMU 7".into(),
            },
            figures,
        }
    }

    #[test]
    fn what_is_saved_can_be_read() {
        let mut split = figure("call", 0);
        split.instructions = Some(Instructions::Split {
            kernel: 5,
            user: 2,
            firmware: 1,
        });
        split.memory = Some(Memory {
            loads: 1,
            stores: 2,
            lines: Lines { code: 3, data: 4 },
        });
        assert_eq!(split.cost(), 6);
        let run = run(vec![split, figure("yield", 70)]);
        let text = run.to_lines().expect("serialises");
        assert_eq!(Run::from_lines(&text).expect("reads"), run);
    }

    #[test]
    fn only_the_programs_own_lines_are_figures() {
        let lines = [
            "hello",
            r#"{"op":"call","parameter":"words=0","count":64,"ticks":640}"#,
            "{}",
        ]
        .map(str::to_owned);
        let printed = Printed::read(&lines);
        assert_eq!(printed.len(), 1);
        assert_eq!((printed[0].count, printed[0].ticks), (64, 640));
    }

    #[test]
    fn settings_say_how_they_differ() {
        let (ours, mut theirs) = (run(Vec::new()).setting, run(Vec::new()).setting);
        assert!(ours.differences(&theirs).is_empty());
        theirs.emulator = "QEMU 10".into();
        assert_eq!(
            ours.differences(&theirs),
            ["emulator: `QEMU 7` and `QEMU 10`"]
        );
    }
}
