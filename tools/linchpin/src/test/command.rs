//! Runs a command to its end and keeps what it prints.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::{session, workspace};

/// A finished command.
pub(crate) struct Finished {
    pub(crate) good: bool,
    /// Both its outputs, in the order in which they were written.
    pub(crate) text: String,
}

/// How long a command that is asked to end may take to end what it has started.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the command with its output in a log file. It and all its children are ended if it takes
/// longer than `bound`, or when the user gives up.
pub(crate) fn run(mut command: Command, log: &Path, bound: Duration) -> Result<Finished> {
    workspace::make_room_for(log)?;
    let file = File::create(log)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot write {}", log.display()))?;
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .process_group(0)
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(file.try_clone().into_diagnostic()?)
        .stderr(file)
        .spawn()
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot start {name}"))?;
    let good = wait(&mut child, bound)?;
    let text = String::from_utf8_lossy(&workspace::read(log)?).into_owned();
    match good {
        Some(good) => Ok(Finished { good, text }),
        None => Err(miette!(
            "{name} was ended after {} s; it had printed:\n{text}",
            bound.as_secs()
        )),
    }
}

/// None: it had to be ended.
fn wait(child: &mut Child, bound: Duration) -> Result<Option<bool>> {
    if let Some(good) = ended_within(child, bound, session::interrupted)? {
        return Ok(Some(good));
    }
    // Test runners put each test into a group of its own, which only they can end.
    tell(child, Signal::TERM);
    ended_within(child, GRACE, || false)?;
    tell(child, Signal::KILL);
    child.wait().into_diagnostic()?;
    Ok(None)
}

/// Whether it was good; None: it goes on after `bound`, or when `given_up`.
fn ended_within(
    child: &mut Child,
    bound: Duration,
    given_up: impl Fn() -> bool,
) -> Result<Option<bool>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().into_diagnostic()? {
            return Ok(Some(status.success()));
        }
        if started.elapsed() > bound || given_up() {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to the command and those of its children that have not left its group.
fn tell(child: &Child, signal: Signal) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It fails only if all of them have ended already.
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }

    fn log(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("linchpin-{name}-{}", std::process::id()))
    }

    #[test]
    fn keeps_both_outputs_and_the_verdict() {
        let log = log("both");
        let finished = run(
            shell("echo out; echo err >&2; exit 3"),
            &log,
            Duration::from_secs(20),
        )
        .expect("sh runs");
        assert!(!finished.good);
        assert_eq!(finished.text, "out\nerr\n");
        std::fs::remove_file(log).expect("the log is there");
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let log = log("hang");
        let started = Instant::now();
        assert!(
            run(
                shell("echo begun; sleep 50 & wait"),
                &log,
                Duration::from_millis(300)
            )
            .is_err()
        );
        assert!(started.elapsed() < Duration::from_secs(20));
        std::fs::remove_file(log).expect("the log is there");
    }

    #[test]
    fn a_command_that_hangs_may_end_what_left_its_group() {
        let log = log("grace");
        let line =
            "setsid sleep 50 & child=$!; trap 'kill $child; echo ended it; exit 1' TERM; wait";
        let error = run(shell(line), &log, Duration::from_millis(300));
        let error = error.err().expect("it was ended").to_string();
        assert!(error.contains("ended it"), "{error}");
        std::fs::remove_file(log).expect("the log is there");
    }

    #[test]
    fn a_command_that_does_not_listen_is_ended_all_the_same() {
        let log = log("deaf");
        let started = Instant::now();
        let line = "trap '' TERM; sleep 50 & wait; sleep 50";
        assert!(run(shell(line), &log, Duration::from_millis(300)).is_err());
        assert!(started.elapsed() < GRACE + Duration::from_secs(20));
        std::fs::remove_file(log).expect("the log is there");
    }
}
