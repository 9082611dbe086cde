//! The prompt.

use super::console::{out, outln};
use super::system::System;
use super::trouble::Result;
use super::{caps, memory, threads};
use demo_common::console::{Console, read};
use demo_common::protocol::serial::MOST_BYTES;
use linchpin_demo::line::{Event, Line, MOST};
use user_api::Endpoint;

/// Tools wait for exactly this at the start of a line.
const PROMPT: &str = "linchpin> ";

const HELP: [(&str, &str); 13] = [
    ("help", "this list"),
    ("caps", "the capabilities that init holds"),
    (
        "threads",
        "processes and their threads, priorities and budgets",
    ),
    ("untyped", "free and used memory"),
    (
        "ipc-bench",
        "the cost of a call, by message length and address space",
    ),
    (
        "fault",
        "touch memory that is not there; the pager repairs it",
    ),
    (
        "trespass",
        "a process reaches for init's memory, and is stopped",
    ),
    ("talk", "client and passive server again"),
    ("throttle", "little budget against much, for some periods"),
    (
        "revoke",
        "end client and server by one revoke, and start them again",
    ),
    ("time", "the timer's ticks against another clock"),
    ("echo TEXT", "say it"),
    (
        "exit [CODE]",
        "end the machine: a failure if CODE is not 0, or a command failed",
    ),
];

/// What comes after a command.
enum Next {
    Prompt,
    /// Without a code, it tells whether a command failed.
    Exit(Option<u32>),
}

/// Serves the prompt until somebody wants to leave; the exit code.
pub(crate) fn run(system: &mut System) -> u32 {
    let mut failed = false;
    let mut keyboard = Keyboard::new(system.serial.endpoint);
    loop {
        out!("{PROMPT}");
        let line = match keyboard.line() {
            (Event::Complete, line) => line,
            (Event::Cancelled, _) => continue,
            (Event::NoText, _) => {
                outln!("error: this is no UTF-8 text; nothing was done");
                continue;
            }
            (Event::TooLong, _) => {
                outln!("error: a line has at most {MOST} characters; nothing was done");
                continue;
            }
        };
        match execute(system, line) {
            Ok(Next::Prompt) => {}
            Ok(Next::Exit(code)) => return code.unwrap_or(failed.into()),
            Err(trouble) => {
                outln!("error: `{line}` failed: {trouble}");
                failed = true;
            }
        }
    }
}

fn execute(system: &mut System, line: &str) -> Result<Next> {
    let line = line.trim();
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    match (command, rest) {
        ("", _) => {}
        ("echo", _) => outln!("{rest}"),
        ("exit", "") => return Ok(Next::Exit(None)),
        ("exit", code) => match code.parse() {
            Ok(code) => return Ok(Next::Exit(Some(code))),
            Err(_) => outln!("error: `{code}` is no exit code; type `exit` or `exit NUMBER`"),
        },
        (known, "") => return simple(system, known).map(|()| Next::Prompt),
        (known, extra) if is_known(known) => {
            outln!("error: `{known}` takes no argument, but there is `{extra}`");
        }
        (unknown, _) => unknown_command(unknown),
    }
    Ok(Next::Prompt)
}

/// The commands without arguments.
fn simple(system: &mut System, command: &str) -> Result {
    match command {
        "help" => help(),
        "caps" => caps::show(&system.home),
        "threads" => threads::show(system.tasks()),
        "untyped" => memory::show(&system.home, system.arenas()),
        "ipc-bench" => match &system.pair {
            Some(pair) => system.echo.measure(pair.endpoint),
            None => outln!("error: there is no server; `revoke` tries to start it again"),
        },
        "fault" => system.faults.provoke()?,
        "trespass" => system.trespass()?,
        "talk" => match &system.pair {
            Some(pair) => pair.talk()?,
            None => outln!("error: there is no client; `revoke` tries to start it again"),
        },
        "throttle" => system.budgets.experiment(&system.timer)?,
        "revoke" => system.revoke_pair()?,
        "time" => {
            outln!(
                "   {} us since init began; {} ticks of the timer so far",
                system.age(),
                system.timer.ticks()
            );
            system.tick()?;
        }
        unknown => unknown_command(unknown),
    }
    Ok(())
}

fn help() {
    for (command, what) in HELP {
        outln!("   {command:12} {what}");
    }
}

fn is_known(command: &str) -> bool {
    HELP.iter().any(|(name, _)| *name == command)
}

fn unknown_command(command: &str) {
    outln!("error: no command `{command}`; type `help` for a list");
}

/// Lines from the serial driver.
struct Keyboard {
    driver: Endpoint,
    line: Line,
    /// What the driver gave, and how much of it is used.
    input: [u8; MOST_BYTES],
    length: usize,
    used: usize,
}

impl Keyboard {
    const fn new(driver: Endpoint) -> Self {
        Self {
            driver,
            line: Line::new(),
            input: [0; MOST_BYTES],
            length: 0,
            used: 0,
        }
    }

    /// The next line, shown while it is typed.
    fn line(&mut self) -> (Event, &str) {
        self.line.clear();
        let mut screen = Console::new(self.driver);
        loop {
            // What was typed ahead comes first, all of it before the screen is brought up to date.
            while let Some(&byte) = self
                .input
                .get(..self.length)
                .and_then(|all| all.get(self.used))
            {
                self.used += 1;
                if let Some(event) = self.line.key(byte, &mut |byte| screen.push(byte)) {
                    screen.flush();
                    return (event, self.line.text());
                }
            }
            screen.flush();
            self.length = read(self.driver, &mut self.input).len();
            self.used = 0;
        }
    }
}
