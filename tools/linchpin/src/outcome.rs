//! How a run ended, in a sentence and in an exit code.

use std::process::ExitStatus;
use std::time::Duration;

use crate::kind::Arch;

/// How many lines of output a report of a hang repeats.
pub(crate) const TAIL: usize = 30;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The system wrote this value to the exit device.
    Reported(u32),
    Passed(String),
    Failed(String),
    Fatal(String),
    /// The script is typed and the prompt is back: nobody asked the system to end.
    ScriptDone,
    Hung(Duration),
    Interrupted,
    /// The machine switched itself off or was reset, without a report.
    Silent,
    /// QEMU itself failed.
    Qemu(String),
}

/// A finished run.
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) lines: Vec<String>,
    pub(crate) elapsed: Duration,
    pub(crate) unscripted: usize,
    pub(crate) markers_missed: bool,
    /// The machine switched itself off, rather than being ended.
    pub(crate) powered_off: bool,
}

/// The values of the exit device.
const SUCCESS: u32 = 0x10;

impl Outcome {
    /// The exit code of the tool; `linchpin --help` lists them.
    pub(crate) fn exit_code(&self) -> u8 {
        match &self.end {
            End::Reported(SUCCESS) if self.markers_missed || self.unscripted > 0 => 1,
            End::Reported(value) => value
                .checked_sub(SUCCESS)
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1),
            End::Passed(_) | End::ScriptDone => 0,
            End::Failed(_) => 1,
            End::Qemu(_) => 3,
            End::Fatal(_) => 4,
            End::Silent => 5,
            End::Hung(_) => 124,
            End::Interrupted => 130,
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.exit_code() == 0
    }

    /// The end in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let seconds = self.elapsed.as_secs_f32();
        match &self.end {
            End::Reported(SUCCESS) if self.markers_missed => {
                format!(
                    "the system ended with success after {seconds:.1} s, but the expected marker (--pass) never came"
                )
            }
            End::Reported(SUCCESS) if self.unscripted > 0 => {
                format!(
                    "the system ended with success after {seconds:.1} s, before {} lines of the script were typed",
                    self.unscripted
                )
            }
            End::Reported(SUCCESS) => format!("the system reported success after {seconds:.1} s"),
            End::Reported(0x11) => format!("the system reported failure after {seconds:.1} s"),
            End::Reported(value) => {
                format!("the system ended with the value {value:#x} after {seconds:.1} s")
            }
            End::Passed(line) => format!("passed after {seconds:.1} s: {line}"),
            End::Failed(line) => format!("failed after {seconds:.1} s: {line}"),
            End::Fatal(line) => format!("the kernel stopped after {seconds:.1} s: {line}"),
            End::ScriptDone => format!(
                "the script is done after {seconds:.1} s; the system still waited at its prompt and was switched off"
            ),
            End::Hung(bound) => format!(
                "no end within {} s: the system hangs, or needs a larger --bound; it was switched off",
                bound.as_secs()
            ),
            End::Interrupted => format!("interrupted after {seconds:.1} s"),
            End::Silent => format!(
                "the machine was reset or switched off after {seconds:.1} s without a report (a triple fault looks like this; `-- -d int,cpu_reset -D qemu.log` shows why)"
            ),
            End::Qemu(why) => format!("QEMU failed: {why}"),
        }
    }

    /// The last lines of the serial output.
    pub(crate) fn tail(&self) -> String {
        let first = self.lines.len().saturating_sub(TAIL);
        self.lines[first..].join("\n")
    }
}

impl End {
    /// What a line says about the end, on machines where there is no other way to say it.
    pub(crate) fn of_line(arch: Arch, line: &str) -> Option<End> {
        let code: u32 = line.trim_end().strip_prefix("exit: ")?.parse().ok()?;
        arch.traits()
            .ends_by_line
            .then_some(End::Reported(SUCCESS + u32::from(code != 0)))
    }

    /// What QEMU's exit status means when no marker has ended the run.
    pub(crate) fn of_qemu(arch: Arch, status: ExitStatus, complaints: &str) -> End {
        let reported = status.code().and_then(arch.traits().report);
        match (status.code(), reported) {
            (Some(0), _) => End::Silent,
            (_, Some(value)) => End::Reported(value),
            _ if complaints.is_empty() => {
                End::Qemu(format!("it ended with {status} and said nothing"))
            }
            _ => End::Qemu(complaints.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn outcome(end: End) -> Outcome {
        Outcome {
            end,
            lines: (0..50).map(|n| n.to_string()).collect(),
            elapsed: Duration::from_secs(1),
            unscripted: 0,
            markers_missed: false,
            powered_off: false,
        }
    }

    fn code_on(arch: Arch, status: i32) -> u8 {
        outcome(End::of_qemu(arch, ExitStatus::from_raw(status << 8), "")).exit_code()
    }

    fn code_of_status(status: i32) -> u8 {
        code_on(Arch::X86_64, status)
    }

    #[test]
    fn the_exit_device_decides() {
        assert_eq!(code_of_status(33), 0);
        assert_eq!(code_of_status(35), 1);
        assert_eq!(code_of_status(37), 2);
        assert_eq!(code_of_status(3), 1, "a value below success is a failure");
        assert_eq!(code_on(Arch::RiscV64, 0x10), 0);
        assert_eq!(code_on(Arch::RiscV64, 0x11), 1);
        assert_eq!(code_on(Arch::RiscV64, 0), 5);
    }

    #[test]
    fn a_line_decides_where_there_is_no_device() {
        let code = |line| End::of_line(Arch::AArch64, line).map(|end| outcome(end).exit_code());
        assert_eq!(
            (code("exit: 0"), code("exit: 3\r"), code("an exit: 0")),
            (Some(0), Some(1), None)
        );
        assert_eq!(End::of_line(Arch::X86_64, "exit: 0"), None);
    }

    #[test]
    fn qemu_and_the_machine_have_codes_of_their_own() {
        assert_eq!(code_of_status(0), 5, "reset without a report");
        assert_eq!(code_of_status(1), 3, "QEMU's own failure");
        let complaint = End::of_qemu(Arch::X86_64, ExitStatus::from_raw(1 << 8), "no such file");
        assert_eq!(complaint, End::Qemu("no such file".into()));
    }

    #[test]
    fn success_before_the_marker_or_the_script_is_none() {
        let missed = Outcome {
            markers_missed: true,
            ..outcome(End::Reported(SUCCESS))
        };
        assert_eq!(missed.exit_code(), 1);
        let unscripted = Outcome {
            unscripted: 2,
            ..outcome(End::Reported(SUCCESS))
        };
        assert_eq!(unscripted.exit_code(), 1);
        assert!(unscripted.sentence().contains("2 lines"));
    }

    #[test]
    fn the_tail_is_the_end_of_the_output() {
        let tail = outcome(End::Silent).tail();
        assert!(tail.starts_with("20\n") && tail.ends_with("\n49"));
    }
}
