//! A simulated Rocket core: RISC-V as its makers' hardware description has it, so that cycles are
//! true cycles. It is deterministic, and some ten thousand times slower than the emulator.
//!
//! The description is a package of Python's index; Verilator makes a program of it, together with
//! `tools/rocket/testbench.cpp`. In place of firmware there is the program of `tools/rocket`.

use std::path::{Path, PathBuf};
use std::process::Command;

use miette::{IntoDiagnostic, Result, WrapErr, miette};

use super::apt::{Apt, finish};
use super::tree::Builder;
use crate::progress;
use crate::setup::find_program;
use crate::workspace::{self, Workspace};
use crate::{build, flat};

/// Python's name of the hardware's description.
const DESCRIPTION: &str = "pythondata-cpu-rocket";
/// The variant: one core in order, 16 KiB caches for code and data, Sv39, no ASIDs.
const VARIANT: &str = "freechips.rocketchip.system.LitexFullConfig";
const TOP: &str = "ExampleRocketSystem";
/// What Verilator is told beside the files.
const VERILATOR: [&str; 13] = [
    "--cc",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--noassert",
    "-Wno-fatal",
    "+define+PRINTF_COND=0",
    "+define+STOP_COND=0",
    "--output-split",
    "20000",
    "--top-module",
];

/// What it is called among the settings.
pub(super) const NAME: &str = "Rocket, LitexFullConfig, memory latency 20";
/// Cycles from the core's request to memory's answer.
const LATENCY: u64 = 20;
/// A run that takes longer hangs.
const MOST_CYCLES: u64 = 400_000_000;

/// Where things are loaded; the shim knows the first three.
const SHIM: u64 = 0x8000_0000;
const KERNEL: u64 = 0x8020_0000;
const TREE: u64 = 0x8700_0000;
const PROGRAM: u64 = 0x8800_0000;
const MEMORY_BYTES: u64 = 256 << 20;

/// The simulator, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Rocket {
    testbench: PathBuf,
    shim: PathBuf,
    tree: PathBuf,
}

impl Rocket {
    /// Finds it, or makes it: that takes some minutes, once.
    pub(crate) fn ready(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.output().join("rocket");
        let testbench = folder.join("testbench");
        if !testbench.is_file() {
            make(workspace, &folder).wrap_err(
                "--method rocket needs a simulator that cannot be made here; the other methods do without",
            )?;
        }
        let shim = folder.join("shim.bin");
        workspace::write(
            &shim,
            &flat::convert(&workspace::read(&build::shim(workspace)?)?)?,
        )?;
        Ok(Self {
            testbench,
            shim,
            tree: folder.join("tree.dtb"),
        })
    }

    /// The command that runs `program` on `kernel`.
    pub(crate) fn command(&self, kernel: &Path, program: &Path) -> Result<Command> {
        let size = workspace::read(program)?.len() as u64;
        workspace::write(&self.tree, &tree(PROGRAM + size))?;
        let mut command = Command::new(&self.testbench);
        command.args([LATENCY.to_string(), MOST_CYCLES.to_string()]);
        for (file, address) in [
            (self.shim.as_path(), SHIM),
            (kernel, KERNEL),
            (&self.tree, TREE),
            (program, PROGRAM),
        ] {
            command.arg(format!("{}@{address:x}", file.display()));
        }
        Ok(command)
    }
}

/// What the machine is, as the kernel is told.
fn tree(program_end: u64) -> Vec<u8> {
    const CPU: u32 = 1;
    const PLIC: u32 = 2;
    let wide = |base: u64, size: u64| [base >> 32, base, size >> 32, size].map(|word| word as u32);
    let root = |tree: Builder| {
        tree.cells("#address-cells", &[2])
            .cells("#size-cells", &[2])
            .text("compatible", "linchpin,rocket-testbench")
            .node("chosen", |chosen| {
                chosen
                    .property("linux,initrd-start", &PROGRAM.to_be_bytes())
                    .property("linux,initrd-end", &program_end.to_be_bytes())
            })
            .node("cpus", |cpus| {
                cpus.cells("#address-cells", &[1])
                    .cells("#size-cells", &[0])
                    .cells("timebase-frequency", &[1_000_000])
                    .node("cpu@0", |cpu| {
                        cpu.text("device_type", "cpu")
                            .cells("reg", &[0])
                            .text("compatible", "riscv")
                            .text("riscv,isa", "rv64imafdc")
                            .text("mmu-type", "riscv,sv39")
                            .node("interrupt-controller", |controller| {
                                controller
                                    .text("compatible", "riscv,cpu-intc")
                                    .cells("#interrupt-cells", &[1])
                                    .property("interrupt-controller", &[])
                                    .cells("phandle", &[CPU])
                            })
                    })
            })
            .node("memory@80000000", |memory| {
                memory
                    .text("device_type", "memory")
                    .cells("reg", &wide(SHIM, MEMORY_BYTES))
            })
            .node("soc", |soc| {
                soc.cells("#address-cells", &[2])
                    .cells("#size-cells", &[2])
                    .text("compatible", "simple-bus")
                    .property("ranges", &[])
                    .node("clint@2000000", |clint| {
                        clint
                            .text("compatible", "riscv,clint0")
                            .cells("reg", &wide(0x200_0000, 0x1_0000))
                            .cells("interrupts-extended", &[CPU, 3, CPU, 7])
                    })
                    .node("plic@c000000", |plic| {
                        plic.text("compatible", "riscv,plic0")
                            .cells("reg", &wide(0xc00_0000, 0x400_0000))
                            .property("interrupt-controller", &[])
                            .cells("#interrupt-cells", &[1])
                            .cells("interrupts-extended", &[CPU, 11, CPU, 9])
                            .cells("riscv,ndev", &[8])
                            .cells("phandle", &[PLIC])
                    })
            })
    };
    Builder::default().node("", root).finish()
}

fn make(workspace: &Workspace, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).into_diagnostic()?;
    let spinner = progress::spinner("the simulated core: verilator, then the C++ compiler");
    let made = description(folder)
        .and_then(|description| verilate(folder, &description))
        .and_then(|include| compile(workspace, folder, &include));
    spinner.finish_and_clear();
    made
}

/// Gets the hardware's description; where its Verilog lies.
fn description(folder: &Path) -> Result<PathBuf> {
    let target = folder.join("description");
    let verilog = target.join("pythondata_cpu_rocket/verilog");
    if !verilog.is_dir() {
        let mut pip = Command::new("python3");
        finish(
            pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
                .arg(&target)
                .arg(DESCRIPTION),
        )?;
    }
    Ok(verilog)
}

/// Makes C++ of Verilog; where Verilator's own headers lie.
fn verilate(folder: &Path, verilog: &Path) -> Result<PathBuf> {
    let (program, root) = match find_program("verilator_bin") {
        Some(program) => (program, PathBuf::from("/usr/share/verilator")),
        None => {
            let apt = Apt::new(&folder.join("packages"))?;
            apt.run(&["update"])?;
            apt.get(&["verilator"])?;
            let usr = folder.join("packages/root/usr");
            (usr.join("bin/verilator_bin"), usr.join("share/verilator"))
        }
    };
    let mut verilator = Command::new(program);
    verilator
        .env("VERILATOR_ROOT", &root)
        .args(VERILATOR)
        .args([
            TOP,
            "-Wno-WIDTH",
            "-Wno-UNOPTFLAT",
            "-Wno-STMTDLY",
            "--Mdir",
        ])
        .arg(folder.join("model"));
    for file in [
        format!("generated-src/{VARIANT}.v"),
        format!("generated-src/{VARIANT}.behav_srams.v"),
        "vsrc/plusarg_reader.v".into(),
        "vsrc/AsyncResetReg.v".into(),
        "vsrc/EICG_wrapper.v".into(),
    ] {
        verilator.arg(verilog.join(file));
    }
    finish(&mut verilator)?;
    Ok(root.join("include"))
}

/// Compiles the model and the test bench, several files at once.
fn compile(workspace: &Workspace, folder: &Path, include: &Path) -> Result<()> {
    let model = folder.join("model");
    let mut sources: Vec<PathBuf> = std::fs::read_dir(&model)
        .into_diagnostic()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "cpp"))
        .collect();
    sources.extend(["verilated.cpp", "verilated_threads.cpp"].map(|name| include.join(name)));
    sources.push(workspace.root.join("tools/rocket/testbench.cpp"));
    sources.sort();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let compile_some = |mine: usize| {
        let mine = sources.iter().skip(mine).step_by(workers);
        mine.map(|source| object(source, &model, include)).collect()
    };
    let objects: Vec<Result<Vec<PathBuf>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || compile_some(worker)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(miette!("a compiler thread failed")))
            })
            .collect()
    });
    let mut link = Command::new("g++");
    for objects in objects {
        link.args(objects?);
    }
    finish(link.args(["-pthread", "-o"]).arg(folder.join("testbench")))
}

fn object(source: &Path, model: &Path, include: &Path) -> Result<PathBuf> {
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let object = model.join(format!("{name}.o"));
    // What runs once is not worth the compiler's time.
    let once = ["Slow", "Syms", "ConstPool"]
        .iter()
        .any(|word| name.contains(word));
    let mut compiler = Command::new("g++");
    compiler
        .args(["-std=gnu++17", if once { "-O0" } else { "-O2" }, "-w", "-c"])
        .arg("-I")
        .arg(model)
        .arg("-I")
        .arg(include)
        .arg("-I")
        .arg(include.join("vltstd"))
        .arg(source)
        .arg("-o")
        .arg(&object);
    finish(&mut compiler)?;
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_one() {
        let bytes = tree(PROGRAM + 0x1234);
        assert_eq!(bytes[..4], 0xd00d_feed_u32.to_be_bytes());
        let size = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        assert_eq!(size as usize, bytes.len());
        let end = (PROGRAM + 0x1234).to_be_bytes();
        assert!(bytes.windows(8).any(|window| window == end));
    }
}
