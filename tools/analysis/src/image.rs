//! A linked image: its code, its constants, and the functions in it.

use std::ops::Range;

use object::elf;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader, SectionHeader};
use object::{LittleEndian, Object, ObjectSection, ObjectSymbol, SymbolKind};

/// What the image was linked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    X86_64,
    AArch64,
    RiscV64,
}

/// A function as the symbol table knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) code: Range<u64>,
}

/// Bytes that never change while the image runs.
#[derive(Clone, Debug)]
struct Part {
    start: u64,
    bytes: Vec<u8>,
    executable: bool,
}

impl Part {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) isa: Isa,
    parts: Vec<Part>,
    /// By address, each address once.
    functions: Vec<Function>,
    /// Everything else that has a name: labels of assembly, and data.
    labels: Vec<(String, u64, u64)>,
}

impl Image {
    pub(crate) fn read(file: &[u8]) -> Result<Self, String> {
        let parsed = ElfFile64::<LittleEndian>::parse(file).map_err(|error| error.to_string())?;
        let e = LittleEndian;
        let isa = match parsed.elf_header().e_machine(e) {
            elf::EM_X86_64 => Isa::X86_64,
            elf::EM_AARCH64 => Isa::AArch64,
            elf::EM_RISCV => Isa::RiscV64,
            other => return Err(format!("no architecture of ours: {other:?}")),
        };
        let writable = writable_segments(&parsed, file)?;
        let mut image = Self::new(isa);
        for section in parsed.sections() {
            let flags = section.elf_section_header().sh_flags(e);
            let loaded = flags.0 & elf::SHF_ALLOC.0 != 0;
            let at = section.address();
            if loaded && !writable.iter().any(|segment| segment.contains(&at)) {
                let bytes = section.data().map_err(|error| error.to_string())?;
                let executable = flags.0 & elf::SHF_EXECINSTR.0 != 0;
                image.add_part(at, bytes, executable);
            }
        }
        for symbol in parsed.symbols() {
            let name = readable(symbol.name().unwrap_or_default());
            let (at, size) = (symbol.address(), symbol.size());
            if symbol.kind() == SymbolKind::Text && size > 0 {
                image.add_function(&name, at..at + size);
            } else if !name.is_empty() {
                image.add_label(&name, at, size);
            }
        }
        if image.functions.is_empty() {
            return Err("there is no function in the symbol table".into());
        }
        Ok(image)
    }

    /// Nothing yet.
    pub(crate) fn new(isa: Isa) -> Self {
        Self {
            isa,
            parts: Vec::new(),
            functions: Vec::new(),
            labels: Vec::new(),
        }
    }

    pub(crate) fn add_part(&mut self, start: u64, bytes: &[u8], executable: bool) {
        self.parts.push(Part {
            start,
            bytes: bytes.to_vec(),
            executable,
        });
    }

    /// Several names for the same code are one function.
    pub(crate) fn add_function(&mut self, name: &str, code: Range<u64>) {
        let place = self
            .functions
            .partition_point(|f| f.code.start < code.start);
        match self.functions.get_mut(place) {
            Some(same) if same.code.start == code.start => {
                same.code.end = same.code.end.max(code.end);
            }
            _ => self.functions.insert(
                place,
                Function {
                    name: name.to_owned(),
                    code,
                },
            ),
        }
    }

    pub(crate) fn add_label(&mut self, name: &str, at: u64, size: u64) {
        self.labels.push((name.to_owned(), at, size));
    }

    pub(crate) fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The function that holds this address.
    pub(crate) fn function_at(&self, address: u64) -> Option<&Function> {
        let after = self.functions.partition_point(|f| f.code.start <= address);
        let function = self.functions.get(after.checked_sub(1)?)?;
        function.code.contains(&address).then_some(function)
    }

    /// Whether this is a function of the image that answers a trap, and so leaves the kernel instead of
    /// returning: the image names these `on_…`, and their type says that they do not return.
    pub(crate) fn is_last(&self, address: u64) -> bool {
        let name = self.name_at(address).unwrap_or_default();
        ["::syscalls::on_", "::events::on_"]
            .iter()
            .any(|place| name.contains(place))
    }

    /// The label, or the function, that is exactly here.
    pub(crate) fn name_at(&self, address: u64) -> Option<&str> {
        let function = self
            .function_at(address)
            .filter(|f| f.code.start == address);
        function.map(|f| f.name.as_str()).or_else(|| {
            let label = self.labels.iter().find(|(_, at, _)| *at == address);
            label.map(|(name, ..)| name.as_str())
        })
    }

    /// The size of the data that has this name (the last part of its path).
    pub(crate) fn size_of(&self, name: &str) -> Option<u64> {
        let last = |path: &str| path.rsplit("::").next().map(str::to_owned);
        let mut sizes = self
            .labels
            .iter()
            .filter(|(path, ..)| last(path).as_deref() == Some(name));
        sizes.next().map(|(_, _, size)| *size)
    }

    /// Whether this is an address in a variable that is named as a stack, or its end.
    pub(crate) fn is_stack(&self, address: u64) -> bool {
        let stacks = self
            .labels
            .iter()
            .filter(|(name, ..)| name.ends_with("STACK"));
        let mut places = stacks.map(|(_, at, size)| *at..=at + size);
        places.any(|place| place.contains(&address))
    }

    /// Whether this is the variable that tells where system calls leave the kernel.
    pub(crate) fn is_way_out(&self, address: u64) -> bool {
        let mut ways = self.labels.iter().filter(|(_, at, _)| *at == address);
        ways.any(|(name, ..)| name.ends_with("trap::WAY_OUT"))
    }

    /// Code up to the end of its section.
    pub(crate) fn code_from(&self, address: u64) -> Option<&[u8]> {
        let part = self.part(address).filter(|part| part.executable)?;
        part.bytes.get((address - part.start) as usize..)
    }

    /// The end of the section of code that holds this address.
    pub(crate) fn end_of_code(&self, address: u64) -> Option<u64> {
        self.part(address)
            .filter(|part| part.executable)
            .map(Part::end)
    }

    /// A constant of one, two, four or eight bytes.
    pub(crate) fn constant(&self, address: u64, bytes: u8) -> Option<u64> {
        let part = self.part(address)?;
        let from = (address - part.start) as usize;
        let bytes = part.bytes.get(from..from + usize::from(bytes))?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |value, byte| value << 8 | u64::from(*byte)),
        )
    }

    fn part(&self, address: u64) -> Option<&Part> {
        self.parts
            .iter()
            .find(|part| (part.start..part.end()).contains(&address))
    }
}

fn writable_segments(
    file: &ElfFile64<LittleEndian>,
    bytes: &[u8],
) -> Result<Vec<Range<u64>>, String> {
    let e = LittleEndian;
    let headers = file.elf_header().program_headers(e, bytes);
    let headers = headers.map_err(|error| error.to_string())?;
    let writable = headers.iter().filter(|segment| {
        segment.p_type(e) == elf::PT_LOAD && segment.p_flags(e).0 & elf::PF_W.0 != 0
    });
    Ok(writable
        .map(|s| s.p_vaddr(e)..s.p_vaddr(e) + s.p_memsz(e))
        .collect())
}

/// A symbol's path, without the hash that compilers add.
fn readable(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}
