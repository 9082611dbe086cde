//! The machine that worlds boot on, and how a loader would leave it.

use super::{Thread, World};
use abi::bootinfo::{BootInfo, SlotRegion, UntypedDesc};
use abi::{PROFILE, Word};
use kernel::Kernel;
use kernel::boot::{self, Platform, UserImage};
use kernel::cap::Cap;
use kernel::object::irq::IrqTable;
use kernel::object::tcb::TcbSlot;
use machine::model::{Config, Model};
use machine::{KernelAddress, PhysicalAddress, VirtualAddress};
use std::ops::Range;

/// Bytes that the kernel's image would take, at the start of RAM.
const KERNEL_BYTES: u64 = 0x1_0000;
/// Pages of the root task's image: code that is never read, since the world knows all programs.
const IMAGE_PAGES: u64 = 2;
const PAGE: u64 = 4096;
/// Where the root task's image is linked.
const IMAGE_AT: Word = super::SYSCALL_AT;

/// Boots a kernel with an empty root task. Afterwards the root task is current.
pub(crate) fn boot(config: &Config) -> Kernel {
    let model = Model::new(config);
    let all: Vec<Range<PhysicalAddress>> = model
        .ram()
        .map(|(start, len)| start..end_of(start, len))
        .collect();
    let start = all.first().expect("RAM").start.0;
    let slots = start + KERNEL_BYTES;
    let image = slots + IrqTable::SLOT_BYTES.next_multiple_of(PAGE);
    let free = image + IMAGE_PAGES * PAGE;
    let mut memory = all.clone();
    memory[0].start = PhysicalAddress(free);
    let mut kernel = Kernel::new(model, KernelAddress::of(PhysicalAddress(slots)));
    let platform = Platform {
        kernel_image: PhysicalAddress(start)..PhysicalAddress(image),
        boot_memory_end: PhysicalAddress(start),
        memory: &memory,
        devices: &[],
        user_image: UserImage {
            physical: PhysicalAddress(image)..PhysicalAddress(free),
            virtual_start: IMAGE_AT,
            entry: IMAGE_AT,
        },
        extra: &[],
        cores: 1,
    };
    let resume = boot::boot(&mut kernel, &platform);
    assert!(resume.is_ok(), "the kernel does not boot");
    kernel
}

fn end_of(start: PhysicalAddress, len: u64) -> PhysicalAddress {
    PhysicalAddress(start.0 + len)
}

/// The root task of a kernel that has just booted. Its program starts behind its one
/// instruction: it waits to be told what to do.
pub(crate) fn root_thread(k: &mut Kernel) -> Thread {
    let object = k.current().expect("the root task runs after boot");
    let Cap::Frame(buffer) = k[object.slot(TcbSlot::Buffer)].cap() else {
        panic!("the root task has no IPC buffer");
    };
    k[object.context()].next_ip = super::AFTER_SYSCALL;
    Thread {
        tcb: super::objects::TCB,
        sc: super::CPtr(abi::bootinfo::INIT_SC as Word),
        object,
        buffer: Some(buffer.base),
    }
}

impl World {
    /// Where the root task sees BootInfo: told in its first register at the start.
    pub(crate) fn boot_info_address(&self) -> Word {
        self.boot_info_at
    }

    /// The page of BootInfo, read through the root task's address space.
    pub(crate) fn boot_info_page(&self) -> Vec<u8> {
        let Cap::VSpace(space) = self.cap(super::objects::VSPACE) else {
            panic!("an address space")
        };
        let page = self
            .k
            .machine
            .walk(space.root.physical(), VirtualAddress(self.boot_info_at));
        let page = page.expect("BootInfo is mapped").physical;
        self.k.machine.bytes(KernelAddress::of(page), PAGE)
    }

    /// BootInfo, as user code would read it.
    pub(crate) fn boot_info(&self) -> BootInfo {
        let page = self.boot_info_page();
        let mut words = page
            .chunks_exact(8)
            .map(|w| u64::from_le_bytes(w.try_into().expect("8 bytes")));
        let mut word = || words.next().expect("the page is long enough");
        let [extra_len, node_id, num_nodes, num_iopt_levels, ipc_buffer] = [(); 5].map(|()| word());
        let mut region = || SlotRegion {
            start: word(),
            end: word(),
        };
        let [empty, shared_frames, user_image_frames, user_image_paging] =
            [(); 4].map(|()| region());
        let [io_space_caps, extra_bi_pages] = [(); 2].map(|()| region());
        let [init_thread_cnode_size_bits, init_thread_domain] = [(); 2].map(|()| word());
        let mut region = || SlotRegion {
            start: word(),
            end: word(),
        };
        let [sched_control, untyped] = [(); 2].map(|()| region());
        let untyped_list = [(); PROFILE.max_untyped_caps].map(|()| {
            let (paddr, rest) = (word(), word().to_le_bytes());
            UntypedDesc {
                paddr,
                size_bits: rest[0],
                is_device: rest[1],
                padding: [0; 6],
            }
        });
        BootInfo {
            extra_len,
            node_id,
            num_nodes,
            num_iopt_levels,
            ipc_buffer,
            empty,
            shared_frames,
            user_image_frames,
            user_image_paging,
            io_space_caps,
            extra_bi_pages,
            init_thread_cnode_size_bits,
            init_thread_domain,
            sched_control,
            untyped,
            untyped_list,
        }
    }
}
