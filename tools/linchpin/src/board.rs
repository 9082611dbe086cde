//! What a kernel's file is told about a board: a device tree, for loaders that pass none, and where
//! in physical memory a loader is to put it. Nothing is compiled for that: room for both is in
//! every kernel that is found by a device tree.

use std::ops::Range;
use std::path::PathBuf;

use clap::Args;
use machine::firmware::fdt::Tree;
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{LittleEndian, Object, ObjectSymbol, elf};

use crate::workspace;

/// Room for the tree: a symbol of the kernel, with its size.
const TREE: &str = "image_board_tree";
/// A word of kernels that cannot find out by themselves where they are.
const BASE: &str = "image_physical_base";
/// The kernel is mapped by pages of this size, and lies in one piece of that.
const ALIGNMENT: u64 = 2 << 20;
const PIECE: u64 = 1 << 30;
/// Where a program header of ELF64 has its physical address.
const P_PADDR: usize = 24;

/// The board that a kernel is written for, if for one in particular.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Board {
    /// A device tree that the kernel uses if its loader passes none (aarch64, riscv64)
    #[arg(long, value_name = "FILE.dtb")]
    board_tree: Option<PathBuf>,
    /// Where in physical memory loaders put the kernel [default: where QEMU's machine wants it]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    physical_base: Option<u64>,
}

fn address(text: &str) -> Result<u64, String> {
    let hexadecimal = text
        .strip_prefix("0x")
        .map(|digits| digits.replace('_', ""));
    let number = match hexadecimal {
        Some(digits) => u64::from_str_radix(&digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "an address is a number, `0x40000000` say".into())
}

impl Board {
    /// A board with this tree.
    pub(crate) fn with_tree(tree: PathBuf) -> Self {
        Self {
            board_tree: Some(tree),
            physical_base: None,
        }
    }

    /// Whether there is anything to say.
    pub(crate) fn is_some(&self) -> bool {
        self.board_tree.is_some() || self.physical_base.is_some()
    }

    /// Writes it into a kernel's ELF file.
    pub(crate) fn write_into(&self, kernel: &mut [u8]) -> Result<()> {
        if let Some(file) = &self.board_tree {
            let tree = workspace::read(file)?;
            link_tree(kernel, &tree).wrap_err_with(|| format!("cannot use {}", file.display()))?;
        }
        if let Some(base) = self.physical_base {
            move_to(kernel, base)
                .wrap_err_with(|| format!("the kernel cannot lie at {base:#x}"))?;
        }
        Ok(())
    }
}

/// Checked by the reader that the kernel itself uses, so that it will not refuse it.
fn link_tree(kernel: &mut [u8], bytes: &[u8]) -> Result<()> {
    let tree = Tree::new(bytes).map_err(|error| miette!("{}", error.text()))?;
    if tree.memory().next().is_none() {
        return Err(miette!(
            help = "firmware often adds the memory: take the tree that it passes to Linux \
                    (/sys/firmware/fdt), or add a node `memory`",
            "the device tree lists no memory"
        ));
    }
    let Some(place) = find(kernel, TREE)? else {
        return Err(miette!("this kernel is not found by a device tree"));
    };
    let room = place.len();
    if !tree.pack(&mut kernel[place]) {
        return Err(miette!(
            "without its padding the device tree has {} bytes; the kernel has room for {room}",
            tree.packed_len()
        ));
    }
    Ok(())
}

/// Moves the segments' physical addresses.
fn move_to(kernel: &mut [u8], base: u64) -> Result<()> {
    if !base.is_multiple_of(ALIGNMENT) {
        return Err(miette!("that is no multiple of {ALIGNMENT:#x}"));
    }
    let headers = headers(kernel)?;
    let loaded = || headers.iter().filter(|header| header.loaded);
    let (Some(first), Some(end)) = (
        loaded().map(|header| header.physical).min(),
        loaded().map(|header| header.physical + header.size).max(),
    ) else {
        return Err(miette!("there is no loadable segment"));
    };
    let last = base
        .checked_add(end - first)
        .ok_or_else(|| miette!("that is no address"))?
        - 1;
    if base / PIECE != last / PIECE {
        return Err(miette!(
            "up to {last:#x} it would cross a multiple of 1 GiB"
        ));
    }
    for header in headers.iter().filter(|header| header.loaded) {
        let at = header.at + P_PADDR;
        let physical = header.physical - first + base;
        kernel[at..at + 8].copy_from_slice(&physical.to_le_bytes());
    }
    if let Some(place) = find(kernel, BASE)? {
        kernel[place].copy_from_slice(&base.to_le_bytes());
    }
    Ok(())
}

struct Header {
    /// Where in the file it is.
    at: usize,
    loaded: bool,
    physical: u64,
    size: u64,
}

fn headers(file: &[u8]) -> Result<Vec<Header>> {
    let e = LittleEndian;
    let parsed = ElfFile64::<LittleEndian>::parse(file).into_diagnostic()?;
    let first = parsed.elf_header().e_phoff(e) as usize;
    let length = usize::from(parsed.elf_header().e_phentsize(e));
    let headers = parsed
        .elf_header()
        .program_headers(e, file)
        .into_diagnostic()?;
    let read = |(n, header): (usize, &elf::ProgramHeader64<LittleEndian>)| Header {
        at: first + n * length,
        loaded: header.p_type(e) == elf::PT_LOAD,
        physical: header.p_paddr(e),
        size: header.p_memsz(e),
    };
    Ok(headers.iter().enumerate().map(read).collect())
}

/// Where in the file a symbol's bytes are.
fn find(file: &[u8], name: &str) -> Result<Option<Range<usize>>> {
    let e = LittleEndian;
    let parsed = ElfFile64::<LittleEndian>::parse(file).into_diagnostic()?;
    let Some(symbol) = parsed.symbols().find(|symbol| symbol.name() == Ok(name)) else {
        return Ok(None);
    };
    let headers = parsed
        .elf_header()
        .program_headers(e, file)
        .into_diagnostic()?;
    let place = headers.iter().find_map(|header| {
        let offset = symbol.address().checked_sub(header.p_vaddr(e))?;
        let end = offset.checked_add(symbol.size())?;
        let start = header.p_offset(e).checked_add(offset)? as usize;
        let inside = header.p_type(e) == elf::PT_LOAD && end <= header.p_filesz(e);
        inside.then_some(start..start + symbol.size() as usize)
    });
    match place {
        Some(place) if !place.is_empty() && place.end <= file.len() => Ok(Some(place)),
        _ => Err(miette!("the symbol `{name}` has no bytes in the file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::sample::Elf64;

    /// A tree with a root, and with memory or without, by hand.
    fn tree(memory: bool, padding: usize) -> Vec<u8> {
        let mut structure: Vec<u32> = vec![1, 0];
        if memory {
            let name = [u32::from_be_bytes(*b"memo"), u32::from_be_bytes(*b"ry\0\0")];
            structure.extend([1, name[0], name[1]]);
            // device_type = "memory", reg = <0 0x40000000 0 0x8000000>
            structure.extend([3, 7, 0, name[0], name[1]]);
            structure.extend([3, 16, 12, 0, 0x4000_0000, 0, 0x800_0000]);
            structure.push(2);
        }
        structure.extend([2, 9]);
        let strings = b"device_type\0reg\0";
        let (reservations, header) = (16u32, 40u32);
        let length = 4 * structure.len() as u32;
        let at = header + reservations;
        let total = at + length + strings.len() as u32 + padding as u32;
        let words = [
            0xd00d_feed,
            total,
            at,
            at + length,
            header,
            17,
            16,
            0,
            strings.len() as u32,
            length,
        ];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.extend([0; 16]);
        bytes.extend(structure.iter().flat_map(|word| word.to_be_bytes()));
        bytes.extend(strings);
        bytes.resize(total as usize, 0);
        bytes
    }

    fn kernel() -> Vec<u8> {
        Elf64::new(0xc000_0000)
            .load(0xc000_0000, 0x4000_0000, &[0; 0x400], 0x1000)
            .symbol(TREE, 0xc000_0100, 0x200)
            .symbol(BASE, 0xc000_0080, 8)
            .build()
    }

    #[test]
    fn a_tree_goes_to_its_place_without_padding() {
        let mut kernel = kernel();
        let place = find(&kernel, TREE).expect("readable").expect("there");
        link_tree(&mut kernel, &tree(true, 1 << 20)).expect("fits");
        let linked = Tree::new(&kernel[place]).expect("a tree");
        assert_eq!(linked.memory().next().map(|m| m.base), Some(0x4000_0000));
    }

    #[test]
    fn what_the_kernel_would_refuse_is_refused_here() {
        let why = |tree: &[u8]| {
            let error = link_tree(&mut kernel(), tree).expect_err("no use");
            error.to_string()
        };
        assert!(why(b"no tree").contains("device tree"));
        assert!(why(&tree(false, 0)).contains("no memory"));
        let mut cut = tree(true, 0);
        cut.truncate(100);
        assert!(why(&cut).contains("outside"));
    }

    #[test]
    fn what_has_no_room_is_refused() {
        let without = Elf64::new(0).load(0, 0, &[0; 64], 64).build();
        assert!(link_tree(&mut without.clone(), &tree(true, 0)).is_err());
        let mut small = Elf64::new(0xc000_0000)
            .load(0xc000_0000, 0x4000_0000, &[0; 0x400], 0x1000)
            .symbol(TREE, 0xc000_0100, 0x20)
            .build();
        let error = link_tree(&mut small, &tree(true, 0)).expect_err("too large");
        assert!(error.to_string().contains("room for 32"), "{error}");
    }

    #[test]
    fn a_kernel_moves_with_what_it_knows_of_its_place() {
        let mut kernel = kernel();
        move_to(&mut kernel, 0x8020_0000).expect("a good place");
        assert_eq!(headers(&kernel).expect("readable")[0].physical, 0x8020_0000);
        let place = find(&kernel, BASE).expect("readable").expect("there");
        assert_eq!(kernel[place], 0x8020_0000u64.to_le_bytes());
        assert!(move_to(&mut kernel, 0x8010_0000).is_err(), "not aligned");
    }

    #[test]
    fn a_kernel_stays_in_one_gibibyte() {
        let mut kernel = Elf64::new(0)
            .load(0, 0x4000_0000, &[0; 64], 0x40_0000)
            .build();
        assert!(move_to(&mut kernel, 0x7fe0_0000).is_err());
        assert!(move_to(&mut kernel, 0x7fc0_0000).is_ok());
    }

    #[test]
    fn addresses_are_read_in_both_bases() {
        assert_eq!(address("0x4000_0000"), Ok(0x4000_0000));
        assert_eq!(address("2097152"), Ok(2 << 20));
        assert!(address("here").is_err());
    }
}
