//! What boot reads that somebody else wrote: device trees, ACPI tables, what loaders pass, and
//! the root task's file.

use kernel::boot::elf::Elf;
use machine::firmware::acpi::{Platform, Rsdp};
use machine::firmware::fdt::Tree;
use machine::firmware::loader::{LoaderInfo, MULTIBOOT1_MAGIC, MULTIBOOT2_MAGIC, PVH_MAGIC};

/// Physical memory that holds the input and nothing else.
struct Memory<'a> {
    at: u64,
    bytes: &'a [u8],
}

impl machine::firmware::bytes::Bytes for Memory<'_> {
    fn read(&self, at: u64, into: &mut [u8]) -> bool {
        let from = at
            .checked_sub(self.at)
            .and_then(|from| usize::try_from(from).ok());
        let found = from.and_then(|from| self.bytes.get(from..)?.get(..into.len()));
        found.is_some_and(|found| {
            into.copy_from_slice(found);
            true
        })
    }
}

pub(crate) fn device_tree(bytes: &[u8]) -> u64 {
    // The kernel asks for the size before it maps the rest.
    let Ok(size) = Tree::size(bytes) else {
        return 1;
    };
    let Some(bytes) = bytes.get(..size) else {
        return 1;
    };
    let Ok(tree) = Tree::new(bytes) else { return 1 };
    let regions = tree
        .reservations()
        .chain(tree.memory())
        .chain(tree.reserved());
    let mut sum = regions.fold(0, |sum: u64, region| sum ^ region.base ^ region.size);
    for node in tree.nodes() {
        sum ^= node.regions().fold(0, |sum, region| sum ^ region.base);
        sum ^= node.cells("interrupts").map(u64::from).sum::<u64>();
        sum ^= node.number("clock-frequency").unwrap_or(0) ^ node.unit().unwrap_or(0);
        sum ^= u64::from(node.phandle().unwrap_or(0)) ^ u64::from(node.enabled());
        sum ^= node.string("status").map_or(0, |text| text.len() as u64);
        sum ^= node.parent().map_or(0, |parent| parent.name().len() as u64);
    }
    let found = [
        tree.find(b"/cpus"),
        tree.console(),
        tree.compatible(&["arm,gic-400"]),
    ];
    sum ^= found.iter().flatten().count() as u64;
    sum ^= tree.initrd().map_or(0, |region| region.base) ^ tree.command_line().len() as u64;
    let mut packed = vec![0; size];
    if tree.pack(&mut packed) {
        // What is packed says the same.
        let packed_size = Tree::size(&packed).expect("a packed tree has a header");
        let again = Tree::new(&packed[..packed_size]).expect("a packed tree is a tree");
        assert_eq!(again.nodes().count(), tree.nodes().count());
        assert!(again.memory().eq(tree.memory()), "the same memory");
    }
    std::hint::black_box(sum);
    1
}

pub(crate) fn acpi(bytes: &[u8]) -> u64 {
    // Where BIOSes leave the root pointer, so that the search finds it.
    let memory = Memory {
        at: 0xe_0000,
        bytes,
    };
    let rsdp = Rsdp::find(&memory).or_else(|| Rsdp::at(&memory, 0xe_0000));
    if let Some(rsdp) = rsdp {
        let mut platform = Platform::new();
        let _ = std::hint::black_box(platform.read(&rsdp, &memory));
    }
    1
}

pub(crate) fn loaders(bytes: &[u8]) -> u64 {
    let (which, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let memory = Memory { at: 0x1000, bytes };
    let magic = [MULTIBOOT1_MAGIC, MULTIBOOT2_MAGIC, PVH_MAGIC][usize::from(*which) % 3];
    let mut info = LoaderInfo::new();
    if info.read(magic, 0x1000, &memory).is_ok() {
        let words = info.command_line.words().count();
        std::hint::black_box((words, info.command_line.port(b"console_port", Some(1))));
    }
    1
}

pub(crate) fn elf(bytes: &[u8]) -> u64 {
    if let Ok(elf) = Elf::read(bytes) {
        let pages = elf.pages();
        assert!(pages.start <= pages.end, "pages in order");
        for segment in elf.segments() {
            let span = segment.span();
            assert!(
                pages.start <= span.start && span.end <= pages.end,
                "inside the pages"
            );
            assert!(
                segment.bytes.len() as u64 <= segment.size,
                "room for the file's part"
            );
        }
        elf.load(|offset, bytes| {
            let end = offset.checked_add(bytes.len() as u64).expect("no overflow");
            assert!(end <= pages.end - pages.start, "loaded inside the pages");
        });
    }
    1
}
