//! The VBE chunk: what the video BIOS told the loader.

use core::mem::size_of;

use super::BootInfoHeader;

/// The VBE chunk, with its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
pub struct Vbe {
    /// Id [`super::header::X86_VBE`].
    pub header: BootInfoHeader,
    /// About the adapter.
    pub info_block: InfoBlock,
    /// About the mode.
    pub mode_info_block: ModeInfoBlock,
    /// The mode.
    pub mode: u32,
    /// Segment of the protected-mode interface.
    pub interface_seg: u32,
    /// Its offset.
    pub interface_off: u32,
    /// Its bytes.
    pub interface_len: u32,
}

/// About the adapter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
#[expect(missing_docs, reason = "the fields are those of the VBE standard")]
pub struct InfoBlock {
    pub signature: [u8; 4],
    pub version: u16,
    pub oem_string_ptr: u32,
    pub capabilities: u32,
    pub mode_list_ptr: u32,
    pub total_memory: u16,
    pub oem_software_rev: u16,
    pub oem_vendor_name_ptr: u32,
    pub oem_product_name_ptr: u32,
    pub oem_product_rev_ptr: u32,
    pub reserved: [u8; 222],
    pub oem_data: [u8; 256],
}

/// About a mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
pub struct ModeInfoBlock {
    /// All versions.
    pub common: ModeInfoCommon,
    /// Since version 1.2, first part.
    pub part1: ModeInfoPart1,
    /// Since version 1.2, second part.
    pub part2: ModeInfoPart2,
    /// Since version 2.0.
    pub vbe20: ModeInfo20,
    /// Fills the block.
    pub reserved: [u8; 206],
}

/// About a mode, all versions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
#[expect(missing_docs, reason = "the fields are those of the VBE standard")]
pub struct ModeInfoCommon {
    pub mode_attr: u16,
    pub win_a_attr: u8,
    pub win_b_attr: u8,
    pub win_granularity: u16,
    pub win_size: u16,
    pub win_a_seg: u16,
    pub win_b_seg: u16,
    pub win_func_ptr: u32,
    pub bytes_per_scan_line: u16,
}

/// About a mode, since version 1.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
#[expect(missing_docs, reason = "the fields are those of the VBE standard")]
pub struct ModeInfoPart1 {
    pub x_res: u16,
    pub y_res: u16,
    pub x_char_size: u8,
    pub y_char_size: u8,
    pub planes: u8,
    pub bits_per_pixel: u8,
    pub banks: u8,
    pub memory_model: u8,
    pub bank_size: u8,
    pub image_pages: u8,
    pub reserved1: u8,
}

/// About a mode's colours, since version 1.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
#[expect(missing_docs, reason = "the fields are those of the VBE standard")]
pub struct ModeInfoPart2 {
    pub red_len: u8,
    pub red_off: u8,
    pub green_len: u8,
    pub green_off: u8,
    pub blue_len: u8,
    pub blue_off: u8,
    pub rsvd_len: u8,
    pub rsvd_off: u8,
    pub direct_color_info: u8,
}

/// About a mode's memory, since version 2.0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
#[expect(missing_docs, reason = "the fields are those of the VBE standard")]
pub struct ModeInfo20 {
    pub phys_base_ptr: u32,
    pub reserved2: [u8; 6],
}

const _: () = {
    assert!(size_of::<InfoBlock>() == 512);
    assert!(size_of::<ModeInfoBlock>() == 256);
    assert!(size_of::<Vbe>() == 800);
};
