//! How parsers see physical memory: as bytes that may or may not be readable.

/// Physical memory, for reading.
pub trait Bytes {
    /// Copies the bytes from `at` on into `into`; `false`, with `into` in any state, if they
    /// cannot all be read.
    fn read(&self, at: u64, into: &mut [u8]) -> bool;
}

impl<F: Fn(u64, &mut [u8]) -> bool> Bytes for F {
    fn read(&self, at: u64, into: &mut [u8]) -> bool {
        self(at, into)
    }
}

/// The `N` bytes at `offset` from `at`. Nothing is behind the end of the address space.
pub(super) fn array<const N: usize>(memory: &impl Bytes, at: u64, offset: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    memory
        .read(at.checked_add(offset)?, &mut bytes)
        .then_some(bytes)
}

pub(super) fn u8_at(memory: &impl Bytes, at: u64, offset: u64) -> Option<u8> {
    array(memory, at, offset).map(u8::from_le_bytes)
}

pub(super) fn u16_at(memory: &impl Bytes, at: u64, offset: u64) -> Option<u16> {
    array(memory, at, offset).map(u16::from_le_bytes)
}

pub(super) fn u32_at(memory: &impl Bytes, at: u64, offset: u64) -> Option<u32> {
    array(memory, at, offset).map(u32::from_le_bytes)
}

pub(super) fn u64_at(memory: &impl Bytes, at: u64, offset: u64) -> Option<u64> {
    array(memory, at, offset).map(u64::from_le_bytes)
}

/// Whether the `len` bytes at `at` add up to zero, as ACPI's tables do.
pub(super) fn sums_to_zero(memory: &impl Bytes, at: u64, len: u64) -> bool {
    let mut sum = 0u8;
    for offset in 0..len {
        match u8_at(memory, at, offset) {
            // The sum is modulo 256 by definition.
            Some(byte) => sum = sum.wrapping_add(byte),
            None => return false,
        }
    }
    sum == 0
}

/// Memory for tests: some bytes at some address, nothing around them.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces(pub(super) std::vec::Vec<(u64, std::vec::Vec<u8>)>);

#[cfg(test)]
impl Pieces {
    pub(super) fn with(mut self, at: u64, bytes: impl Into<std::vec::Vec<u8>>) -> Self {
        self.0.push((at, bytes.into()));
        self
    }
}

#[cfg(test)]
impl Bytes for Pieces {
    fn read(&self, at: u64, into: &mut [u8]) -> bool {
        self.0.iter().any(|(start, bytes)| {
            let Some(from) = at
                .checked_sub(*start)
                .and_then(|from| usize::try_from(from).ok())
            else {
                return false;
            };
            let Some(found) = bytes.get(from..).and_then(|rest| rest.get(..into.len())) else {
                return false;
            };
            into.copy_from_slice(found);
            true
        })
    }
}
