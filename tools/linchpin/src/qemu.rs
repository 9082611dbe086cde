//! The QEMU command line of a boot.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::kind::Arch;

/// The memory of a machine, unless something asks for more.
pub(crate) const MEMORY: &str = "512M";

/// By which door the kernel is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Boot {
    /// QEMU's firmware starts kernel.bin as it starts a Linux kernel.
    Linux,
    /// QEMU loads kernel.elf and its firmware starts it.
    Elf,
    /// QEMU loads kernel.elf as Multiboot 1.
    Multiboot,
    /// The same with kernel32.elf.
    Elf32,
    /// QEMU enters kernel-pvh.elf by its PVH note.
    Pvh,
    /// GRUB loads the kernel from a CD image, by Multiboot 2.
    Iso,
    /// GRUB loads the kernel from a CD image, by Multiboot 1.
    IsoMultiboot1,
}

impl Boot {
    /// As it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Boot::Linux => "linux",
            Boot::Elf => "elf",
            Boot::Multiboot => "multiboot",
            Boot::Elf32 => "elf32",
            Boot::Pvh => "pvh",
            Boot::Iso => "iso",
            Boot::IsoMultiboot1 => "iso-multiboot1",
        }
    }
}

/// The machine that QEMU plays.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) arch: Arch,
    pub(crate) memory: String,
    pub(crate) cpu: String,
    /// Properties of QEMU's machine beside those that it always has, which they override.
    pub(crate) properties: Option<String>,
    /// Virtual time advances by 2^N nanoseconds per instruction.
    pub(crate) icount: Option<u8>,
    /// What the kernel is told (`-append`); a disc has its own.
    pub(crate) options: Options,
    pub(crate) extra: Vec<OsString>,
}

/// What a kernel is told on its command line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) log: Option<Log>,
    /// Invariants are checked after every so many entries to the kernel.
    pub(crate) check: Option<u32>,
}

/// What a kernel says on its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// Nothing.
    Quiet,
    /// Threads that stop because nobody handles their fault.
    Faults,
    /// Refused invocations too.
    Errors,
}

impl Options {
    /// As the kernel reads them; `None` if there is nothing to say.
    pub(crate) fn line(self) -> Option<String> {
        let log = self.log.map(|log| match log {
            Log::Quiet => "log=quiet".to_owned(),
            Log::Faults => "log=faults".to_owned(),
            Log::Errors => "log=errors".to_owned(),
        });
        let check = self.check.map(|every| format!("check={every}"));
        let words: Vec<String> = log.into_iter().chain(check).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

impl Machine {
    pub(crate) fn new(arch: Arch) -> Self {
        Self {
            arch,
            memory: MEMORY.into(),
            cpu: arch.traits().cpu.into(),
            properties: None,
            icount: None,
            options: Options::default(),
            extra: Vec::new(),
        }
    }

    /// The command that boots `medium`, with the serial line on standard input and output.
    pub(crate) fn command(&self, medium: &Medium) -> Command {
        let traits = self.arch.traits();
        let mut qemu = Command::new(traits.qemu.program());
        qemu.args(traits.machine);
        if let Some(properties) = &self.properties {
            // QEMU merges what is said in several pieces.
            qemu.args(["-machine", properties]);
        }
        qemu.args(["-cpu", &self.cpu, "-m", &self.memory, "-no-reboot"])
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio"]);
        if let Some(shift) = self.icount {
            qemu.args(["-icount", &format!("shift={shift},sleep=off")]);
            // Real-time clocks too count what the machine does, not what its host does meanwhile.
            qemu.args(["-rtc", "clock=vm"]);
        }
        match medium {
            Medium::Files { kernel, root_task } => {
                qemu.arg("-kernel")
                    .arg(kernel)
                    .arg("-initrd")
                    .arg(initrd(root_task));
                if let Some(line) = self.options.line() {
                    qemu.args(["-append", &line]);
                }
            }
            Medium::Disc(image) => {
                qemu.args(["-boot", "d", "-cdrom"]).arg(image);
            }
            Medium::Image(file) => {
                qemu.args(traits.image).arg("-kernel").arg(file);
            }
            Medium::Placed(files) => {
                for (file, at) in files {
                    let file = initrd(file);
                    let device = format!("loader,file={file},addr={at:#x},force-raw=on");
                    qemu.args(["-device", &device]);
                }
                if let Some((_, start)) = files.first() {
                    let device = format!("loader,addr={start:#x},cpu-num=0");
                    qemu.args(["-device", &device]);
                }
            }
        }
        qemu.args(&self.extra);
        qemu
    }
}

/// What the machine boots from.
#[derive(Clone, Debug)]
pub(crate) enum Medium {
    Files {
        kernel: PathBuf,
        root_task: PathBuf,
    },
    Disc(PathBuf),
    /// A loader that carries all it needs.
    Image(PathBuf),
    /// Files that lie in memory from the start; the processor begins with the first. Nobody tells
    /// it anything.
    Placed(Vec<(PathBuf, u64)>),
}

/// Where QEMU takes a list, a comma in a name is doubled.
fn initrd(file: &Path) -> String {
    file.to_string_lossy().replace(',', ",,")
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| {
            let word = word.to_string_lossy();
            if word.contains(' ') {
                format!("'{word}'")
            } else {
                word.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_on_the_command_line() {
        let mut machine = Machine::new(Arch::X86_64);
        machine.icount = Some(3);
        machine.properties = Some("smm=off".into());
        machine.extra = vec!["-s".into()];
        let medium = Medium::Files {
            kernel: "k.elf".into(),
            root_task: "a,b.elf".into(),
        };
        let line = shown(&machine.command(&medium));
        assert!(line.contains("-icount shift=3,sleep=off"), "{line}");
        assert!(line.contains("-kernel k.elf -initrd a,,b.elf"), "{line}");
        assert!(line.contains("isa-debug-exit"), "{line}");
        assert!(line.contains("-machine smm=off"), "{line}");
        assert!(!line.contains("-append"), "{line}");
        assert!(
            line.ends_with("-s"),
            "the user's own words come last: {line}"
        );
        assert!(
            shown(&machine.command(&Medium::Disc("a b.iso".into()))).contains("-cdrom 'a b.iso'")
        );
        machine.options = Options {
            log: Some(Log::Quiet),
            check: Some(100),
        };
        let line = shown(&machine.command(&medium));
        assert!(line.contains("-append 'log=quiet check=100'"), "{line}");
    }
}
