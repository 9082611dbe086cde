//! What the root task is told about the PC beyond BootInfo itself (`abi/bootinfo.md` section
//! 4). Chunk bodies only; the kernel core puts the headers before them.

use abi::bootinfo::{MULTIBOOT_MAX_MMAP_ENTRIES, MmapEntry, header};
use kernel::boot::ExtraChunk;
use machine::firmware::List;
use machine::firmware::acpi::Rsdp;
use machine::firmware::loader::LoaderInfo;

/// The VBE chunk is the longest but for the memory map: 784 bytes.
const VBE_BYTES: usize = 784;
const FRAMEBUFFER_BYTES: usize = 22;
const MAP_BYTES: usize = 4 + MULTIBOOT_MAX_MMAP_ENTRIES * size_of::<MmapEntry>();
const CHUNKS: usize = 5;

/// A chunk's body being written.
struct Body<const N: usize>(List<u8, N>);

impl<const N: usize> Body<N> {
    const fn new() -> Self {
        Self(List::new(0))
    }

    fn add(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| {
            self.0.push(*byte);
        });
    }
}

/// All chunks.
pub(super) struct Extra {
    vbe: Body<VBE_BYTES>,
    rsdp: [u8; 36],
    framebuffer: Body<FRAMEBUFFER_BYTES>,
    map: Body<MAP_BYTES>,
    tsc_mhz: [u8; 4],
}

impl Extra {
    /// Nothing yet.
    pub(super) const fn new() -> Self {
        Self {
            vbe: Body::new(),
            rsdp: [0; 36],
            framebuffer: Body::new(),
            map: Body::new(),
            tsc_mhz: [0; 4],
        }
    }

    /// Takes over what `loader` and ACPI say, and the clock's frequency.
    pub(super) fn fill(&mut self, loader: &LoaderInfo, rsdp: &Rsdp, tsc_mhz: u64) {
        self.rsdp = rsdp.0;
        self.tsc_mhz = u32::try_from(tsc_mhz).unwrap_or(u32::MAX).to_le_bytes();
        self.add_vbe(loader);
        self.add_framebuffer(loader);
        self.add_map(loader);
    }

    /// The chunks that exist, in the order that user space expects.
    pub(super) fn chunks(&self) -> List<ExtraChunk<'_>, CHUNKS> {
        let mut chunks = List::new(ExtraChunk {
            id: header::PADDING as u64,
            bytes: &[],
        });
        let all: [(usize, &[u8]); CHUNKS] = [
            (header::X86_VBE, self.vbe.0.as_slice()),
            (header::X86_ACPI_RSDP, &self.rsdp),
            (header::X86_FRAMEBUFFER, self.framebuffer.0.as_slice()),
            (header::X86_MBMMAP, self.map.0.as_slice()),
            (header::X86_TSC_FREQ, &self.tsc_mhz),
        ];
        for (id, bytes) in all.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
            chunks.push(ExtraChunk {
                id: id as u64,
                bytes,
            });
        }
        chunks
    }

    fn add_vbe(&mut self, loader: &LoaderInfo) {
        let Some(vbe) = &loader.vbe else { return };
        self.vbe.add(&vbe.control);
        self.vbe.add(&vbe.mode_info);
        for field in [
            vbe.mode,
            vbe.interface_segment,
            vbe.interface_offset,
            vbe.interface_length,
        ] {
            self.vbe.add(&u32::from(field).to_le_bytes());
        }
    }

    fn add_framebuffer(&mut self, loader: &LoaderInfo) {
        let Some(screen) = &loader.framebuffer else {
            return;
        };
        self.framebuffer.add(&screen.address.to_le_bytes());
        for field in [screen.pitch, screen.width, screen.height] {
            self.framebuffer.add(&field.to_le_bytes());
        }
        self.framebuffer.add(&[screen.depth, screen.kind]);
    }

    /// Entries beyond the chunk's fixed number are left out.
    fn add_map(&mut self, loader: &LoaderInfo) {
        const ENTRY: u32 = size_of::<MmapEntry>() as u32;
        let entries = || {
            loader
                .memory
                .as_slice()
                .iter()
                .take(MULTIBOOT_MAX_MMAP_ENTRIES)
        };
        self.map
            .add(&(entries().count() as u32 * ENTRY).to_le_bytes());
        for entry in entries() {
            self.map.add(&(ENTRY - 4).to_le_bytes());
            self.map.add(&entry.base.to_le_bytes());
            self.map.add(&entry.length.to_le_bytes());
            self.map.add(&entry.kind.to_le_bytes());
        }
        while self.map.0.push(0) {}
    }
}
