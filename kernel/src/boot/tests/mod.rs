//! Boot on the host: the plan against what the C kernel was seen to do (`golden`), its arithmetic
//! (`arithmetic`), the file reader (`files`), and a whole boot on the model machine (`whole`).

mod arithmetic;
mod files;
mod golden;
mod whole;

use super::plan::Rules;
use super::region::Region;
use super::{ExtraChunk, Platform, UserImage};
use core::ops::Range;
use machine::PhysicalAddress;

/// A range of physical addresses.
fn physical(start: u64, end: u64) -> Range<PhysicalAddress> {
    PhysicalAddress(start)..PhysicalAddress(end)
}

/// What a platform is made of, owned.
struct World {
    kernel: Region,
    boot_end: u64,
    memory: Vec<Range<PhysicalAddress>>,
    devices: Vec<Range<PhysicalAddress>>,
    image: Region,
    virtual_start: u64,
    entry: u64,
    extra: Vec<(u64, Vec<u8>)>,
}

impl World {
    /// 16 MiB of RAM from 1 MiB, a kernel of 2 MiB, an image of three pages.
    fn small() -> Self {
        Self {
            kernel: Region::new(0x10_0000, 0x30_0000),
            boot_end: 0x10_8000,
            memory: vec![physical(0x10_0000, 0x110_0000)],
            devices: vec![physical(0xfee0_0000, 0xfee0_1000)],
            image: Region::new(0x30_0000, 0x30_3000),
            virtual_start: 0x40_0000,
            entry: 0x40_1234,
            extra: vec![(5, vec![1, 2, 3, 4])],
        }
    }

    fn with<T>(&self, use_it: impl FnOnce(&Platform<'_>) -> T) -> T {
        let chunk = |(id, bytes): &'_ (u64, Vec<u8>)| (*id, bytes.clone());
        let owned: Vec<_> = self.extra.iter().map(chunk).collect();
        let extra: Vec<_> = owned
            .iter()
            .map(|(id, bytes)| ExtraChunk { id: *id, bytes })
            .collect();
        use_it(&Platform {
            kernel_image: physical(self.kernel.start, self.kernel.end),
            boot_memory_end: PhysicalAddress(self.boot_end),
            memory: &self.memory,
            devices: &self.devices,
            user_image: UserImage {
                physical: physical(self.image.start, self.image.end),
                virtual_start: self.virtual_start,
                entry: self.entry,
            },
            extra: &extra,
            cores: 1,
        })
    }

    fn plan(&self, rules: &Rules) -> Result<super::plan::Plan, super::BootError> {
        self.with(|platform| super::plan::Plan::new(rules, platform))
    }
}
