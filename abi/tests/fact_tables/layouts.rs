//! Our structures under the names that libsel4 gives them: sizes, offsets and sizes of fields.

use std::mem::{offset_of, size_of};

use linchpin_abi::bootinfo::{
    AcpiRsdp, BootInfo, BootInfoHeader, Framebuffer, Mmap, MmapEntry, SlotRegion, TscFrequency,
    UntypedDesc, vbe,
};
use linchpin_abi::ipc_buffer::IpcBuffer;
use linchpin_abi::{CapRights, Isa, MessageInfo, Word, aarch64, cnode, riscv64, x86_64};

/// One structure.
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    pub(crate) size: usize,
    /// Name, offset, size.
    pub(crate) fields: Vec<(&'static str, usize, usize)>,
}

const fn size_of_result<S, F>(_: fn(S) -> F) -> usize {
    size_of::<F>()
}

macro_rules! layout {
    ($name:literal, $type:ty { $($field:ident as $theirs:literal),* $(,)? }) => {
        Layout {
            name: $name,
            size: size_of::<$type>(),
            fields: vec![$(($theirs, offset_of!($type, $field), size_of_result(|s: $type| s.$field))),*],
        }
    };
    ($name:literal, $type:ty { $($field:ident),* $(,)? }) => {
        Layout {
            name: $name,
            size: size_of::<$type>(),
            fields: vec![$((stringify!($field), offset_of!($type, $field), size_of_result(|s: $type| s.$field))),*],
        }
    };
}

/// All structures of an ISA.
pub(crate) fn layouts(isa: Isa) -> Vec<Layout> {
    let mut list = common();
    match isa {
        Isa::X86_64 => list.extend(x86()),
        Isa::AArch64 => list.extend(arm()),
        Isa::RiscV64 => list.push(riscv()),
    }
    list
}

fn common() -> Vec<Layout> {
    vec![
        layout!("seL4_BootInfo", BootInfo {
            extra_len as "extraLen", node_id as "nodeID", num_nodes as "numNodes", num_iopt_levels as "numIOPTLevels",
            ipc_buffer as "ipcBuffer", empty as "empty", shared_frames as "sharedFrames",
            user_image_frames as "userImageFrames", user_image_paging as "userImagePaging",
            io_space_caps as "ioSpaceCaps", extra_bi_pages as "extraBIPages",
            init_thread_cnode_size_bits as "initThreadCNodeSizeBits", init_thread_domain as "initThreadDomain",
            sched_control as "schedcontrol", untyped as "untyped", untyped_list as "untypedList",
        }),
        layout!("seL4_BootInfoHeader", BootInfoHeader { id, len }),
        layout!("seL4_SlotRegion", SlotRegion { start, end }),
        layout!("seL4_UntypedDesc", UntypedDesc {
            paddr as "paddr", size_bits as "sizeBits", is_device as "isDevice", padding as "padding",
        }),
        layout!("seL4_IPCBuffer", IpcBuffer {
            tag as "tag", msg as "msg", user_data as "userData", caps_or_badges as "caps_or_badges",
            receive_cnode as "receiveCNode", receive_index as "receiveIndex", receive_depth as "receiveDepth",
        }),
        layout!("seL4_CNode_CapData_t", cnode::CNodeCapData {}),
        layout!("seL4_CapRights_t", CapRights {}),
        layout!("seL4_MessageInfo_t", MessageInfo {}),
        layout!("seL4_Word", Word {}),
    ]
}

fn x86() -> Vec<Layout> {
    vec![
        layout!(
            "seL4_UserContext",
            x86_64::UserContext {
                rip,
                rsp,
                rflags,
                rax,
                rbx,
                rcx,
                rdx,
                rsi,
                rdi,
                rbp,
                r8,
                r9,
                r10,
                r11,
                r12,
                r13,
                r14,
                r15,
                fs_base,
                gs_base,
            }
        ),
        layout!(
            "seL4_VCPUContext",
            x86_64::VcpuContext {
                eax,
                ebx,
                ecx,
                edx,
                esi,
                edi,
                ebp,
                r8,
                r9,
                r10,
                r11,
                r12,
                r13,
                r14,
                r15,
            }
        ),
        layout!("seL4_X86_IOSpace_CapData_t", x86_64::IoSpaceCapData {}),
        layout!("seL4_X86_mb_mmap_t", MmapEntry {
            size as "size", base_addr as "base_addr", length as "length", kind as "type",
        }),
        layout!("seL4_X86_BootInfo_mmap_t", Mmap {
            header as "header", mmap_length as "mmap_length", entries as "mmap",
        }),
        layout!("framebuffer", Framebuffer {
            addr as "addr", pitch as "pitch", width as "width", height as "height", bpp as "bpp", kind as "type",
        }),
        layout!("acpi_rsdp", AcpiRsdp { header, rsdp }),
        layout!("tsc_frequency", TscFrequency { header, mhz }),
        layout!("seL4_X86_BootInfo_VBE", vbe::Vbe {
            header as "header", info_block as "vbeInfoBlock", mode_info_block as "vbeModeInfoBlock", mode as "vbeMode",
            interface_seg as "vbeInterfaceSeg", interface_off as "vbeInterfaceOff", interface_len as "vbeInterfaceLen",
        }),
        layout!("seL4_VBEInfoBlock_t", vbe::InfoBlock {
            signature as "signature", version as "version", oem_string_ptr as "oemStringPtr",
            capabilities as "capabilities", mode_list_ptr as "modeListPtr", total_memory as "totalMemory",
            oem_software_rev as "oemSoftwareRev", oem_vendor_name_ptr as "oemVendorNamePtr",
            oem_product_name_ptr as "oemProductNamePtr", oem_product_rev_ptr as "oemProductRevPtr",
            reserved as "reserved", oem_data as "oemData",
        }),
        layout!("seL4_VBEModeInfoBlock_t", vbe::ModeInfoBlock {
            common as "vbe_common", part1 as "vbe12_part1", part2 as "vbe12_part2", vbe20 as "vbe20",
        }),
        layout!("seL4_VBEModeInfoCommon_t", vbe::ModeInfoCommon {
            mode_attr as "modeAttr", win_a_attr as "winAAttr", win_b_attr as "winBAttr",
            win_granularity as "winGranularity", win_size as "winSize", win_a_seg as "winASeg", win_b_seg as "winBSeg",
            win_func_ptr as "winFuncPtr", bytes_per_scan_line as "bytesPerScanLine",
        }),
        layout!("seL4_VBEInfo12Part1_t", vbe::ModeInfoPart1 {
            x_res as "xRes", y_res as "yRes", x_char_size as "xCharSize", y_char_size as "yCharSize", planes as "planes",
            bits_per_pixel as "bitsPerPixel", banks as "banks", memory_model as "memoryModel", bank_size as "bankSize",
            image_pages as "imagePages", reserved1 as "reserved1",
        }),
        layout!("seL4_VBEInfo12Part2_t", vbe::ModeInfoPart2 {
            red_len as "redLen", red_off as "redOff", green_len as "greenLen", green_off as "greenOff",
            blue_len as "blueLen", blue_off as "blueOff", rsvd_len as "rsvdLen", rsvd_off as "rsvdOff",
            direct_color_info as "directColorInfo",
        }),
        layout!("seL4_VBEInfo20_t", vbe::ModeInfo20 { phys_base_ptr as "physBasePtr", reserved2 as "reserved2" }),
    ]
}

fn arm() -> Vec<Layout> {
    vec![
        layout!(
            "seL4_UserContext",
            aarch64::UserContext {
                pc,
                sp,
                spsr,
                x0,
                x1,
                x2,
                x3,
                x4,
                x5,
                x6,
                x7,
                x8,
                x16,
                x17,
                x18,
                x29,
                x30,
                x9,
                x10,
                x11,
                x12,
                x13,
                x14,
                x15,
                x19,
                x20,
                x21,
                x22,
                x23,
                x24,
                x25,
                x26,
                x27,
                x28,
                tpidr_el0,
                tpidrro_el0,
            }
        ),
        layout!(
            "seL4_ARM_SMCContext",
            aarch64::SmcContext {
                x0,
                x1,
                x2,
                x3,
                x4,
                x5,
                x6,
                x7
            }
        ),
    ]
}

fn riscv() -> Layout {
    layout!(
        "seL4_UserContext",
        riscv64::UserContext {
            pc,
            ra,
            sp,
            gp,
            s0,
            s1,
            s2,
            s3,
            s4,
            s5,
            s6,
            s7,
            s8,
            s9,
            s10,
            s11,
            a0,
            a1,
            a2,
            a3,
            a4,
            a5,
            a6,
            a7,
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            tp,
        }
    )
}
