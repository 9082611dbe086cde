//! Writes device trees, for tests.

use std::vec::Vec;

/// A tree being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Builder {
    structure: Vec<u8>,
    strings: Vec<u8>,
    reservations: Vec<u8>,
}

impl Builder {
    pub(crate) fn word(mut self, word: u32) -> Self {
        self.structure.extend(word.to_be_bytes());
        self
    }

    pub(crate) fn reserve(mut self, base: u64, size: u64) -> Self {
        self.reservations.extend(base.to_be_bytes());
        self.reservations.extend(size.to_be_bytes());
        self
    }

    /// A node with what `inside` writes into it.
    pub(crate) fn node(self, name: &str, inside: impl FnOnce(Self) -> Self) -> Self {
        let mut builder = self.word(super::BEGIN_NODE);
        builder.structure.extend(name.bytes());
        builder.structure.push(0);
        inside(builder.aligned()).word(super::END_NODE)
    }

    pub(crate) fn property(mut self, name: &str, value: &[u8]) -> Self {
        let offset = self.strings.len() as u32;
        self.strings.extend(name.bytes());
        self.strings.push(0);
        let mut builder = self
            .word(super::PROPERTY)
            .word(value.len() as u32)
            .word(offset);
        builder.structure.extend(value);
        builder.aligned()
    }

    pub(crate) fn cells(self, name: &str, cells: &[u32]) -> Self {
        let value: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.property(name, &value)
    }

    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.property(name, &[value.as_bytes(), &[0]].concat())
    }

    fn aligned(mut self) -> Self {
        let length = self.structure.len().next_multiple_of(4);
        self.structure.resize(length, 0);
        self
    }

    /// The tree with `padding` bytes behind it.
    pub(crate) fn finish(self, padding: usize) -> Vec<u8> {
        let Self {
            structure,
            strings,
            mut reservations,
        } = self.word(super::END);
        reservations.extend([0; 16]);
        let at_reservations = super::HEADER_BYTES;
        let at_structure = at_reservations + reservations.len();
        let at_strings = at_structure + structure.len();
        let total = at_strings + strings.len() + padding;
        let header = [
            super::MAGIC as usize,
            total,
            at_structure,
            at_strings,
            at_reservations,
            17,
            16,
            0,
            strings.len(),
            structure.len(),
        ];
        let mut bytes: Vec<u8> = header
            .iter()
            .flat_map(|word| (*word as u32).to_be_bytes())
            .collect();
        bytes.extend(reservations);
        bytes.extend(structure);
        bytes.extend(strings);
        bytes.resize(total, 0);
        bytes
    }
}
