//! Runs the programs under the emulator's plugin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use serde::Deserialize;

use super::names::Names;
use super::{Longest, NAMED, Paths, Way, joined};
use crate::bench::emulator::Emulator;
use crate::bench::figures::Setting;
use crate::bench::{Method, machine};
use crate::build::{self, Container, Kernel, Program, Show};
use crate::expect::Markers;
use crate::kind::{Arch, Flavour, Kind};
use crate::progress;
use crate::qemu::{MEMORY, Medium};
use crate::session::{Echo, Input, Session};
use crate::workspace::{self, Workspace};

/// Programs that call the kernel in many ways, and do so in the same way whatever it costs: their
/// figures change with the kernel's paths alone.
pub(super) const STEADY: &[&str] = &["conformance", "bench"];
/// These and one that goes on at random, by what it is answered and when.
pub(super) const ALL: &[&str] = &["conformance", "bench", RANDOM];
/// Its labels say nothing either.
const RANDOM: &str = "stress";

/// What a program calls when it is done, as its name is mangled.
const EXIT: &str = "user_runtime4exit4exit";

const BOUND: Duration = Duration::from_secs(1800);
/// Virtual time passes as in the other runs whose time counts instructions.
const TIME_BITS: u8 = 3;

/// What the plugin writes of a way in.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Entry {
    /// Of the first instruction.
    pub(super) address: u64,
    pub(super) call: Option<Call>,
    pub(super) cause: Option<u64>,
    stays: u64,
    instructions: u64,
    stay: Counted,
    run: Counted,
}

/// The registers of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Call {
    pub(super) number: i64,
    pub(super) label: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Counted {
    instructions: u64,
    looks: u64,
    /// Addresses of blocks, and the instructions spent there.
    places: Vec<(u64, u64)>,
}

/// Runs programs one after the other.
pub(super) fn over(
    programs: &'static [&str],
    workspace: &Workspace,
    arch: Arch,
    show: Show,
) -> Result<Paths> {
    let emulator = Emulator::with_plugins(workspace, arch)?;
    let plugin = build::plugin(workspace)?;
    let mut ways = Vec::new();
    for name in programs {
        let subject = Subject::new(workspace, arch, name, show)?;
        let spinner = progress::spinner(&format!("paths of {name}, {}", arch.name()));
        let measured = subject.ways(workspace, &emulator, &plugin);
        spinner.finish_and_clear();
        ways.extend(measured.wrap_err_with(|| format!("following {name} failed"))?);
    }
    Ok(Paths {
        setting: Setting::of_emulator(arch, Method::Plugin, emulator.command())?,
        ways: joined(ways),
    })
}

/// A program on the kernel that it is made for.
struct Subject {
    name: &'static str,
    arch: Arch,
    kernel: Kernel,
    program: PathBuf,
}

impl Subject {
    fn new(workspace: &Workspace, arch: Arch, name: &'static str, show: Show) -> Result<Self> {
        let release = Kind::new(arch, Flavour::Release);
        let (kernel, program, of) = match name {
            "bench" => (
                machine::kernel_kind(arch),
                machine::program_kind(arch),
                Program::bench(&[]),
            ),
            RANDOM => (release.clone(), release, Program::stress()),
            _ => (release.clone(), release, Program::conformance()),
        };
        Ok(Self {
            name,
            arch,
            kernel: build::kernel(workspace, &kernel, show)?,
            program: build::root_task(workspace, &program, &of, show)?,
        })
    }

    fn ways(&self, workspace: &Workspace, emulator: &Emulator, plugin: &Path) -> Result<Vec<Way>> {
        let names = Names::of(self.arch, &self.kernel.elf)?;
        let folder = workspace.output().join("bench");
        let out = folder.join(format!("{}-{}-paths.jsonl", self.arch.name(), self.name));
        workspace::write(&out, b"")?;
        self.run(emulator, &self.plugin_words(plugin, &out, &names)?)?;
        let text = workspace::read(&out)?;
        let entries = entries(&String::from_utf8_lossy(&text))?;
        let blocks = entries
            .iter()
            .flat_map(|entry| entry.stay.places.iter().chain(&entry.run.places))
            .map(|(block, _)| *block);
        let functions = names.functions(blocks)?;
        let way = |entry: &Entry| Way {
            way: names.way(entry, self.name != RANDOM),
            stays: entry.stays,
            instructions: entry.instructions,
            stay: self.longest(&entry.stay, &functions),
            run: self.longest(&entry.run, &functions),
        };
        Ok(entries.iter().map(way).collect())
    }

    fn longest(&self, counted: &Counted, functions: &BTreeMap<u64, String>) -> Longest {
        let mut spent: BTreeMap<&str, u64> = BTreeMap::new();
        for (block, instructions) in &counted.places {
            let function = functions.get(block).map_or("?", String::as_str);
            *spent.entry(function).or_default() += instructions;
        }
        let mut spent: Vec<(String, u64)> = spent
            .into_iter()
            .map(|(function, spent)| (function.to_owned(), spent))
            .collect();
        spent.sort_by_key(|(_, spent)| std::cmp::Reverse(*spent));
        spent.truncate(NAMED);
        Longest {
            instructions: counted.instructions,
            program: self.name.into(),
            looks: counted.looks,
            functions: spent,
        }
    }

    fn run(&self, emulator: &Emulator, words: &str) -> Result<()> {
        let mut machine = machine::standard(self.arch, MEMORY);
        machine.icount = Some(TIME_BITS);
        let medium = Medium::Files {
            // Where there is no flat form, the ELF file itself is what is started.
            kernel: self.kernel.file(Container::Flat).to_path_buf(),
            root_task: self.program.clone(),
        };
        let mut command = emulator.instead_of(&machine.command(&medium));
        command.args(["-plugin", words]);
        let outcome = Session {
            arch: self.arch,
            command,
            input: Input::Nothing,
            markers: Markers::default(),
            bound: Some(BOUND),
            echo: Echo::Nowhere,
            awaits_power_off: false,
        }
        .run()?;
        if outcome.is_good() {
            return Ok(());
        }
        Err(miette!(
            "{}\nthe last serial output was:\n{}",
            outcome.sentence(),
            outcome.tail()
        ))
    }

    fn plugin_words(&self, plugin: &Path, out: &Path, names: &Names) -> Result<String> {
        let program = workspace::read(&self.program)?;
        let mut words = format!(
            "{},out={},kernel={:x},paths={},from={:x},until={:x}",
            plugin.display(),
            out.display(),
            machine::KERNEL,
            self.arch.name(),
            machine::entry(&program),
            machine::address(&program, EXIT)?,
        );
        words.push_str(machine::firmware_words(self.arch));
        let (traps, stub) = names.traps();
        words.push_str(&format!(
            ",traps={:x}-{:x},stub={stub:x}",
            traps.start, traps.end
        ));
        for look in names.looks()? {
            words.push_str(&format!(",look={:x}-{:x}", look.start, look.end));
        }
        Ok(words)
    }
}

fn entries(text: &str) -> Result<Vec<Entry>> {
    let read = |line| {
        serde_json::from_str(line)
            .into_diagnostic()
            .wrap_err("the plugin wrote something else")
    };
    let entries: Vec<Entry> = text.lines().map(read).collect::<Result<_>>()?;
    if entries.is_empty() {
        return Err(miette!("the plugin has seen no stay in the kernel"));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugins_lines_are_read() {
        let text = r#"{"address":4096,"call":{"number":-1,"label":2},"cause":null,"stays":3,"instructions":60,"stay":{"instructions":30,"looks":1,"places":[[3,20],[4,10]]},"run":{"instructions":20,"looks":1,"places":[[3,20]]}}"#;
        let entries = entries(text).expect("it is one");
        assert_eq!(
            entries[0].call,
            Some(Call {
                number: -1,
                label: 2
            })
        );
        assert_eq!(entries[0].run.places, [(3, 20)]);
        assert!(super::entries("").is_err());
    }
}
