//! `linchpin image`: a CD or USB image that starts the kernel with a root task.
//!
//! The image is put together by `grub-mkimage` and `xorriso` rather than by `grub-mkrescue`, which
//! writes the time of day into it: equal inputs give equal bytes.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, ValueEnum};
use miette::{IntoDiagnostic, Result, WrapErr, miette};

use crate::build::{self, Show};
use crate::kind::{Arch, DEFAULT_PROFILE, Flavour, Kind};
use crate::layout::Layout;
use crate::qemu::Boot;
use crate::run::find_root_task;
use crate::setup::{self, Consent};
use crate::workspace::{self, Workspace};

/// Every file in the image carries this date (2020-01-01), in seconds since 1970.
const DATE: &str = "1577836800";
const GRUB_MODULES: &str = "/usr/lib/grub/i386-pc";

#[derive(Args, Debug)]
pub(crate) struct ImageArgs {
    /// A root task: an ELF file, or the name of an example (without it: the demo system)
    #[arg(value_name = "ELF|EXAMPLE")]
    what: Option<String>,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[arg(long, value_enum, default_value = "iso")]
    format: Format,
    /// How GRUB hands over to the kernel (the other way is in its menu: hold Shift)
    #[arg(long, value_enum, default_value = "multiboot2")]
    protocol: Protocol,
    #[arg(long, value_enum, default_value = "x86_64")]
    arch: Arch,
    #[arg(long, value_enum, default_value = "release")]
    flavour: Flavour,
    /// The settings that user images bake in: a name in abi/profiles.toml
    #[arg(long, default_value = DEFAULT_PROFILE)]
    profile: String,
    /// Install missing programs also where that needs sudo
    #[arg(long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A CD image with GRUB; written to a USB stick it starts too
    Iso,
}

/// How GRUB starts the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    Multiboot2,
    #[value(name = "multiboot")]
    Multiboot1,
}

impl Protocol {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Multiboot2 => "multiboot2",
            Protocol::Multiboot1 => "multiboot",
        }
    }
}

/// Builds what is named, writes the image and prints what is in it.
pub(crate) fn image(workspace: &Workspace, args: &ImageArgs) -> Result<()> {
    let kind = Kind {
        arch: args.arch,
        flavour: args.flavour,
        profile: args.profile.clone(),
    };
    // A disc is one of the doors.
    kind.arch.door(Some(Boot::Iso))?;
    let root_task = find_root_task(workspace, &kind, args.what.as_deref(), Show::Progress)?;
    let kernel = build::kernel(workspace, &kind, Show::Progress)?;
    match args.format {
        Format::Iso => {
            let consent = Consent::from_flag(args.yes);
            write_iso(
                workspace,
                &kernel.elf,
                &root_task,
                args.protocol,
                &args.output,
                consent,
            )?;
        }
    }
    println!(
        "kernel {}\n{}",
        build::shown(&kernel.elf),
        Layout::read(&workspace::read(&kernel.elf)?)?.table()
    );
    println!(
        "root task {}\n{}",
        build::shown(&root_task),
        Layout::read(&workspace::read(&root_task)?)?.table()
    );
    let size = std::fs::metadata(&args.output).into_diagnostic()?.len();
    println!(
        "{}: {size} bytes, starts by {}",
        build::shown(&args.output),
        args.protocol.name()
    );
    Ok(())
}

/// Writes a bootable ISO with a kernel and its root task.
pub(crate) fn write_iso(
    workspace: &Workspace,
    kernel: &Path,
    root_task: &Path,
    protocol: Protocol,
    output: &Path,
    consent: Consent,
) -> Result<()> {
    setup::ensure(&setup::GRUB, consent)?;
    setup::ensure(&setup::XORRISO, consent)?;
    let folder = workspace
        .output()
        .join(format!("iso-{}", std::process::id()));
    let result = fill(&folder, kernel, root_task, protocol).and_then(|()| pack(&folder, output));
    let cleaned = std::fs::remove_dir_all(&folder)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot remove {}", folder.display()));
    result.and(cleaned)
}

/// Lays out the files of the disc.
fn fill(folder: &Path, kernel: &Path, root_task: &Path, protocol: Protocol) -> Result<()> {
    workspace::write(&folder.join("boot/kernel.elf"), &workspace::read(kernel)?)?;
    workspace::write(
        &folder.join("boot/root-task.elf"),
        &workspace::read(root_task)?,
    )?;
    workspace::write(
        &folder.join("boot/grub/grub.cfg"),
        menu(protocol).as_bytes(),
    )?;
    let mut mkimage = Command::new("grub-mkimage");
    mkimage
        .args([
            "--format",
            "i386-pc-eltorito",
            "--prefix",
            "/boot/grub",
            "--output",
        ])
        .arg(folder.join("boot/grub/eltorito.img"))
        .args([
            "biosdisk",
            "iso9660",
            "part_msdos",
            "normal",
            "configfile",
            "multiboot",
            "multiboot2",
        ]);
    finish(mkimage)
}

fn menu(protocol: Protocol) -> String {
    let others = [Protocol::Multiboot2, Protocol::Multiboot1]
        .into_iter()
        .filter(|other| *other != protocol);
    let mut menu = String::from("set timeout=0\nset timeout_style=hidden\nset default=0\n");
    for entry in std::iter::once(protocol).chain(others) {
        let (load, module) = match entry {
            Protocol::Multiboot2 => ("multiboot2", "module2"),
            Protocol::Multiboot1 => ("multiboot", "module"),
        };
        let _ = write!(
            menu,
            "menuentry \"Linchpin ({load})\" {{\n  {load} /boot/kernel.elf\n  {module} /boot/root-task.elf\n  boot\n}}\n"
        );
    }
    menu
}

/// Makes the disc. The hybrid boot record lets the same bytes start from a USB stick.
fn pack(folder: &Path, output: &Path) -> Result<()> {
    workspace::make_room_for(output)?;
    let mut xorriso = Command::new("xorriso");
    xorriso
        .env("SOURCE_DATE_EPOCH", DATE)
        .env("TZ", "UTC")
        .args([
            "-report_about",
            "WARNING",
            "-as",
            "mkisofs",
            "-graft-points",
            "-quiet",
        ])
        .args(["--set_all_file_dates", &format!("={DATE}")])
        .args([
            "-volid",
            "LINCHPIN",
            "-b",
            "boot/grub/eltorito.img",
            "-no-emul-boot",
        ])
        .args([
            "-boot-load-size",
            "4",
            "-boot-info-table",
            "--grub2-boot-info",
            "--grub2-mbr",
        ])
        .arg(Path::new(GRUB_MODULES).join("boot_hybrid.img"))
        .args(["-uid", "0", "-gid", "0", "-o"])
        .arg(output)
        .arg(graft(folder));
    finish(xorriso)
}

/// `/=FOLDER`: the folder becomes the root of the disc.
fn graft(folder: &Path) -> std::ffi::OsString {
    let mut word = std::ffi::OsString::from("/=");
    word.push::<&OsStr>(folder.as_os_str());
    word
}

fn finish(mut command: Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot start {name}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(miette!(
        "{name} ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_protocol_comes_first_and_the_other_stays_in_the_menu() {
        let menu = menu(Protocol::Multiboot1);
        let first = menu
            .find("multiboot /boot/kernel.elf")
            .expect("Multiboot 1");
        let second = menu
            .find("multiboot2 /boot/kernel.elf")
            .expect("Multiboot 2");
        assert!(first < second);
        assert!(
            menu.contains("module /boot/root-task.elf")
                && menu.contains("module2 /boot/root-task.elf")
        );
    }
}
