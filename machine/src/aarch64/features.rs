//! What the processor can do.

use super::registers::read;

/// Features that make a difference.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// ASIDs have 16 bits; else 8.
    pub wide_asids: bool,
    /// The kernel can be kept from reading user memory by mistake.
    pub privileged_access_never: bool,
    /// Bits of a physical address, as TCR_EL1 encodes them.
    pub physical_address_size: u64,
    /// The interrupt controller is driven by system registers.
    pub gic_registers: bool,
    /// A secure monitor can be called by SMC.
    pub secure_monitor: bool,
    /// User code can have floating point.
    pub floating_point: bool,
}

impl Features {
    /// As long as nobody has looked.
    pub const NONE: Self = Self {
        wide_asids: false,
        privileged_access_never: false,
        physical_address_size: 0,
        gic_registers: false,
        secure_monitor: false,
        floating_point: false,
    };

    /// What this processor says.
    pub fn detect() -> Self {
        let memory = read!("id_aa64mmfr0_el1");
        let more_memory = read!("id_aa64mmfr1_el1");
        let processor = read!("id_aa64pfr0_el1");
        let field = |register: u64, at: u32| register >> at & 15;
        // Six is 52 bits, which need a translation granule that is not used here.
        let physical_address_size = field(memory, 0).min(5);
        Self {
            wide_asids: field(memory, 4) >= 2,
            privileged_access_never: field(more_memory, 20) != 0,
            physical_address_size,
            gic_registers: field(processor, 24) != 0,
            secure_monitor: field(processor, 12) != 0,
            floating_point: field(processor, 16) != 15,
        }
    }
}
