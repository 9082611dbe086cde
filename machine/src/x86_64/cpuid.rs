//! What the processor can do.

use super::registers::{self, msr};
use core::arch::x86_64::{__cpuid_count, CpuidResult};

/// The answer for leaf `leaf`, sub-leaf `sub`; all zero for leaves that the processor lacks.
pub fn leaf(leaf: u32, sub: u32) -> CpuidResult {
    let range = leaf & 0xffff_0000;
    let last = __cpuid_count(range, 0).eax;
    let there = last >= leaf && last & 0xffff_0000 == range;
    if there {
        __cpuid_count(leaf, sub)
    } else {
        CpuidResult {
            eax: 0,
            ebx: 0,
            ecx: 0,
            edx: 0,
        }
    }
}

const fn bit(word: u32, number: u32) -> bool {
    word >> number & 1 != 0
}

/// The features that this kernel asks about.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// Pages that are not executable.
    pub no_execute: bool,
    /// FXSAVE, SSE and SSE2.
    pub sse2: bool,
    /// Machine checks.
    pub machine_check: bool,
    /// A local APIC.
    pub apic: bool,
    /// Memory types per page.
    pub pat: bool,
    /// Translations that survive a change of address space.
    pub global_pages: bool,
    /// Tagged translations, together with the instruction to forget them.
    pub pcid: bool,
    /// The kernel is kept from executing user pages.
    pub smep: bool,
    /// The kernel is kept from touching user pages.
    pub smap: bool,
    /// User code is kept from reading descriptor-table registers.
    pub umip: bool,
    /// Instructions for the FS and GS bases.
    pub fsgsbase: bool,
    /// XSAVE.
    pub xsave: bool,
    /// XSAVEOPT.
    pub xsaveopt: bool,
    /// Pages of 1 GiB.
    pub huge_pages: bool,
    /// The local APIC's second register interface.
    pub x2apic: bool,
    /// The local APIC's timer can wait for a time stamp.
    pub tsc_deadline: bool,
    /// The time-stamp counter ticks evenly in all power states.
    pub invariant_tsc: bool,
    /// Running under a hypervisor.
    pub hypervisor: bool,
    /// User code may read kernel memory through the back door called Meltdown.
    pub meltdown: bool,
    /// Indirect branches can be kept from following user training once and for all.
    pub enhanced_ibrs: bool,
    /// Branch predictions can be forgotten.
    pub ibpb: bool,
    /// Branch predictions can be kept from the sibling thread.
    pub stibp: bool,
}

impl Features {
    /// A processor that can do nothing, until it has been asked.
    pub const NONE: Self = Self {
        no_execute: false,
        sse2: false,
        machine_check: false,
        apic: false,
        pat: false,
        global_pages: false,
        pcid: false,
        smep: false,
        smap: false,
        umip: false,
        fsgsbase: false,
        xsave: false,
        xsaveopt: false,
        huge_pages: false,
        x2apic: false,
        tsc_deadline: false,
        invariant_tsc: false,
        hypervisor: false,
        meltdown: false,
        enhanced_ibrs: false,
        ibpb: false,
        stibp: false,
    };

    /// Asks the processor.
    pub fn detect() -> Self {
        let basic = leaf(1, 0);
        let structured = leaf(7, 0);
        let extended = leaf(0x8000_0001, 0);
        let power = leaf(0x8000_0007, 0);
        let xsave = leaf(0xd, 1);
        let amd_speculation = leaf(0x8000_0008, 0).ebx;
        let capabilities = arch_capabilities(structured.edx);
        Self {
            no_execute: bit(extended.edx, 20),
            sse2: bit(basic.edx, 24) && bit(basic.edx, 26),
            machine_check: bit(basic.edx, 7),
            apic: bit(basic.edx, 9),
            pat: bit(basic.edx, 16),
            global_pages: bit(basic.edx, 13),
            pcid: bit(basic.ecx, 17) && bit(structured.ebx, 10),
            smep: bit(structured.ebx, 7),
            smap: bit(structured.ebx, 20),
            umip: bit(structured.ecx, 2),
            fsgsbase: bit(structured.ebx, 0),
            xsave: bit(basic.ecx, 26),
            xsaveopt: bit(basic.ecx, 26) && bit(xsave.eax, 0),
            huge_pages: bit(extended.edx, 26),
            x2apic: bit(basic.ecx, 21),
            tsc_deadline: bit(basic.ecx, 24),
            invariant_tsc: bit(power.edx, 8),
            hypervisor: bit(basic.ecx, 31),
            meltdown: !not_affected_by_meltdown(capabilities),
            enhanced_ibrs: capabilities >> 1 & 1 != 0,
            ibpb: bit(structured.edx, 26) || bit(amd_speculation, 12),
            stibp: bit(structured.edx, 27) || bit(amd_speculation, 15),
        }
    }

    /// A feature that this kernel cannot do without and that the processor lacks.
    pub fn missing(&self) -> Option<&'static str> {
        let needed = [
            (self.no_execute, "non-executable pages (NX)"),
            (self.sse2, "SSE2"),
            (self.apic, "a local APIC"),
            (self.pat, "memory types per page (PAT)"),
            (self.global_pages, "global pages (PGE)"),
        ];
        needed
            .into_iter()
            .find(|(there, _)| !there)
            .map(|(_, name)| name)
    }
}

fn arch_capabilities(structured_edx: u32) -> u64 {
    if bit(structured_edx, 29) {
        // SAFETY: this bit says that the register exists.
        unsafe { registers::read_msr(msr::ARCH_CAPABILITIES) }
    } else {
        0
    }
}

/// AMD's and Hygon's processors never were; others say so by `RDCL_NO`.
fn not_affected_by_meltdown(capabilities: u64) -> bool {
    let vendor = leaf(0, 0);
    let vendor = [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes);
    let never = [*b"AuthenticAMD", *b"HygonGenuine"];
    never.iter().any(|name| name.as_chunks::<4>().0 == vendor) || capabilities & 1 != 0
}
