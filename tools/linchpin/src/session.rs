//! One run of a machine: its serial line, its input, and how it ended.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use miette::{IntoDiagnostic, Result, WrapErr};

use crate::expect::{Mark, Markers};
use crate::kind::Arch;
use crate::outcome::{End, Outcome};
use crate::qemu;
use crate::script::{Script, Step};
use crate::serial::Lines;

/// How often the clock and Ctrl-C are looked at.
const TICK: Duration = Duration::from_millis(100);
/// After a marker: this long without output, and nothing more is expected.
const QUIET: Duration = Duration::from_millis(400);
/// After a marker: at most this long.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// A machine that is expected to switch itself off is given this long.
const POWER_OFF: Duration = Duration::from_secs(10);

/// What is typed into the system.
pub(crate) enum Input {
    /// The tool's own standard input.
    Passed,
    Script(Script),
    Nothing,
}

/// Where the serial output goes while it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    Stdout,
    Nowhere,
}

/// A run to be made.
pub(crate) struct Session {
    /// Decides what QEMU's exit status means.
    pub(crate) arch: Arch,
    pub(crate) command: Command,
    pub(crate) input: Input,
    pub(crate) markers: Markers,
    pub(crate) bound: Option<Duration>,
    pub(crate) echo: Echo,
    /// Whether a machine that has told how it ended gets time to switch itself off, too.
    pub(crate) awaits_power_off: bool,
}

impl Session {
    /// Runs to the end. Nothing of it is left running, however this function is left.
    pub(crate) fn run(mut self) -> Result<Outcome> {
        let line = qemu::shown(&self.command);
        let started = Instant::now();
        listen_for_interrupt();
        self.command
            .process_group(0) // Ctrl-C is for the tool, which then ends QEMU
            .stdin(if matches!(self.input, Input::Nothing) {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut machine = Machine(
            self.command
                .spawn()
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot start `{line}`"))?,
        );
        let events = machine.events();
        let keys = machine.0.stdin.take();
        let mut watch = Watch {
            session: &mut self,
            keys,
            lines: Lines::default(),
            all: Vec::new(),
            complaints: String::new(),
        };
        watch.connect_input();
        let end = watch.until_end(&events, started);
        let (end, powered_off) = match end {
            Some(end) => (end, watch.last_words(&events)),
            None => {
                let arch = watch.session.arch;
                let end = End::of_qemu(arch, machine.wait()?, watch.complaints.trim());
                (end, true)
            }
        };
        watch.close_line();
        let lines = std::mem::take(&mut watch.all);
        drop(machine);
        let unscripted = if let Input::Script(script) = &self.input {
            script.left()
        } else {
            0
        };
        let markers_missed = self.markers.demand_pass();
        Ok(Outcome {
            end,
            lines,
            elapsed: started.elapsed(),
            unscripted,
            markers_missed,
            powered_off,
        })
    }
}

/// Whether the user has pressed Ctrl-C since the first session began.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C is a wish that is looked at, not the end.
pub(crate) fn listen_for_interrupt() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a handler Ctrl-C ends the tool alone; the machine then dies of its closed pipes at the latest.
        let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
    });
}

enum Event {
    Serial(Vec<u8>),
    Complaint(Vec<u8>),
    /// QEMU has closed its output.
    Closed,
}

/// A running QEMU, ended when it is dropped.
struct Machine(Child);

impl Machine {
    /// Starts the threads that read its output.
    fn events(&mut self) -> Receiver<Event> {
        let (sender, receiver) = channel();
        if let Some(output) = self.0.stdout.take() {
            forward(output, sender.clone(), Event::Serial, Some(Event::Closed));
        }
        if let Some(errors) = self.0.stderr.take() {
            forward(errors, sender, Event::Complaint, None);
        }
        receiver
    }

    /// QEMU has closed its output and is about to end; if it is not, it is ended.
    fn wait(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            if let Some(status) = self.0.try_wait().into_diagnostic()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                self.end();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn end(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}

fn forward(
    mut from: impl Read + Send + 'static,
    to: Sender<Event>,
    wrap: fn(Vec<u8>) -> Event,
    last: Option<Event>,
) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if to.send(wrap(buffer[..length].to_vec())).is_err() {
                return;
            }
        }
        if let Some(last) = last {
            let _ = to.send(last);
        }
    });
}

/// The tool's eyes and hands during a run.
struct Watch<'a> {
    session: &'a mut Session,
    keys: Option<std::process::ChildStdin>,
    lines: Lines,
    all: Vec<String>,
    complaints: String,
}

impl Watch<'_> {
    /// With passed input a thread of its own copies it: reading a terminal cannot be given up.
    fn connect_input(&mut self) {
        if !matches!(self.session.input, Input::Passed) {
            return;
        }
        let Some(mut keys) = self.keys.take() else {
            return;
        };
        thread::spawn(move || {
            let mut input = std::io::stdin().lock();
            let mut buffer = [0; 256];
            while let Ok(length @ 1..) = input.read(&mut buffer) {
                if keys
                    .write_all(&buffer[..length])
                    .and_then(|()| keys.flush())
                    .is_err()
                {
                    return;
                }
            }
        });
    }

    /// None: QEMU closed its output.
    fn until_end(&mut self, events: &Receiver<Event>, started: Instant) -> Option<End> {
        loop {
            match events.recv_timeout(TICK) {
                Ok(Event::Serial(bytes)) => {
                    if let Some(end) = self.hear(&bytes) {
                        return Some(end);
                    }
                }
                Ok(Event::Complaint(bytes)) => self.complain(&bytes),
                Ok(Event::Closed) | Err(RecvTimeoutError::Disconnected) => {
                    self.late_complaints(events);
                    return None;
                }
                // A last line may have no end.
                Err(RecvTimeoutError::Timeout) => {
                    let open = self.lines.open_line();
                    if let Some(end) = self.judge(&open) {
                        return Some(end);
                    }
                }
            }
            if interrupted() {
                return Some(End::Interrupted);
            }
            if let Some(bound) = self.session.bound
                && started.elapsed() > bound
            {
                return Some(End::Hung(bound));
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) -> Option<End> {
        let finished = self.record(bytes);
        for line in finished {
            if let Some(end) = self.judge(&line) {
                return Some(end);
            }
        }
        let Input::Script(script) = &mut self.session.input else {
            return None;
        };
        match script.look(&self.lines)? {
            Step::Finished => Some(End::ScriptDone),
            Step::Type(line) => {
                if let Some(keys) = &mut self.keys {
                    // If it cannot be written QEMU has gone, which the next event says.
                    let _ = keys
                        .write_all(format!("{line}\n").as_bytes())
                        .and_then(|()| keys.flush());
                }
                None
            }
        }
    }

    fn record(&mut self, bytes: &[u8]) -> Vec<String> {
        if self.session.echo == Echo::Stdout {
            let mut out = std::io::stdout().lock();
            // A closed standard output must not end the run.
            let _ = out.write_all(bytes).and_then(|()| out.flush());
        }
        let finished = self.lines.push(bytes);
        self.all.extend(finished.iter().cloned());
        finished
    }

    fn judge(&self, line: &str) -> Option<End> {
        let marked = self.session.markers.judge(line).map(|mark| match mark {
            Mark::Pass => End::Passed(line.to_owned()),
            Mark::Fail => End::Failed(line.to_owned()),
            Mark::Fatal => End::Fatal(line.to_owned()),
        });
        marked.or_else(|| End::of_line(self.session.arch, line))
    }

    fn complain(&mut self, bytes: &[u8]) {
        self.complaints.push_str(&String::from_utf8_lossy(bytes));
    }

    /// What QEMU says on its standard error while it ends.
    fn late_complaints(&mut self, events: &Receiver<Event>) {
        while let Ok(event) = events.recv_timeout(TICK) {
            if let Event::Complaint(bytes) = event {
                self.complain(&bytes);
            }
        }
    }

    /// Lets the system finish what it is saying (the registers after a fatal error, say). Answers
    /// whether the machine then switched itself off.
    fn last_words(&mut self, events: &Receiver<Event>) -> bool {
        let (quiet, longest) = if self.session.awaits_power_off {
            (POWER_OFF, POWER_OFF)
        } else {
            (QUIET, LAST_WORDS)
        };
        let deadline = Instant::now() + longest;
        while let Ok(event) = events.recv_timeout(quiet) {
            match event {
                Event::Serial(bytes) => drop(self.record(&bytes)),
                Event::Complaint(bytes) => self.complain(&bytes),
                Event::Closed => return true,
            }
            if Instant::now() > deadline || interrupted() {
                return false;
            }
        }
        false
    }

    /// What follows on the user's terminal begins on a line of its own.
    fn close_line(&mut self) {
        let open = self.lines.open_line();
        if !open.is_empty() {
            self.all.push(open);
            if self.session.echo == Echo::Stdout {
                println!();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell in QEMU's place.
    fn session(script: &str) -> Session {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Session {
            arch: Arch::X86_64,
            command,
            input: Input::Nothing,
            markers: Markers::default(),
            bound: Some(Duration::from_secs(60)),
            echo: Echo::Nowhere,
            awaits_power_off: false,
        }
    }

    #[test]
    fn the_report_ends_a_run() {
        let outcome = session("echo hello; exit 33").run().expect("sh runs");
        assert_eq!(outcome.end, End::Reported(0x10));
        assert_eq!(outcome.lines, ["hello"]);
        assert_eq!(outcome.exit_code(), 0);
    }

    #[test]
    fn a_script_is_typed_at_the_prompts() {
        let mut session = session(
            "printf '> '; read a; echo \"$a\"; printf '> '; read b; echo \"$b\"; \
             [ \"$a $b\" = 'help exit' ] && exit 33; exit 35",
        );
        session.input = Input::Script(Script::new("help; exit", "> "));
        let outcome = session.run().expect("sh runs");
        assert_eq!(outcome.end, End::Reported(0x10));
        assert_eq!(outcome.unscripted, 0);
    }

    #[test]
    fn a_script_without_an_end_is_done_at_the_next_prompt() {
        let mut session = session("printf '> '; read a; echo; printf '> '; exec sleep 50");
        session.input = Input::Script(Script::new("help", "> "));
        assert_eq!(session.run().expect("sh runs").end, End::ScriptDone);
    }

    #[test]
    fn a_hang_is_ended_and_leaves_its_output() {
        let mut session = session("echo alive; exec sleep 50");
        session.bound = Some(Duration::from_millis(300));
        let outcome = session.run().expect("sh runs");
        assert_eq!(outcome.exit_code(), 124);
        assert_eq!(outcome.lines, ["alive"]);
    }

    #[test]
    fn markers_end_a_run_after_the_last_words() {
        let mut session = session("echo all good; echo the end; exec sleep 50");
        session.markers = Markers::new(Some("good"), None, None).expect("valid");
        let outcome = session.run().expect("sh runs");
        assert_eq!(outcome.end, End::Passed("all good".into()));
        assert_eq!(outcome.lines.last().map(String::as_str), Some("the end"));
    }

    #[test]
    fn a_machine_may_switch_itself_off_after_its_report() {
        let mut session = session("echo exit: 0; sleep 1");
        session.arch = Arch::AArch64;
        session.awaits_power_off = true;
        let outcome = session.run().expect("sh runs");
        assert_eq!(outcome.end, End::Reported(0x10));
        assert!(outcome.powered_off);
    }

    #[test]
    fn a_machine_that_stays_on_is_switched_off() {
        let mut session = session("echo exit: 0; exec sleep 50");
        session.arch = Arch::AArch64;
        assert!(!session.run().expect("sh runs").powered_off);
    }

    #[test]
    fn a_marker_counts_also_without_a_line_end() {
        let mut session = session("printf good; exec sleep 50");
        session.markers = Markers::new(Some("good"), None, None).expect("valid");
        assert_eq!(
            session.run().expect("sh runs").end,
            End::Passed("good".into())
        );
    }

    #[test]
    fn a_fatal_stop_is_no_hang() {
        let outcome = session("echo linchpin: fatal: out of tea; exec sleep 50")
            .run()
            .expect("sh runs");
        assert_eq!(outcome.exit_code(), 4);
    }
}
