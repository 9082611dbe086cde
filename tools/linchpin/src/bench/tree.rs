//! Writes a flattened device tree.

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const END: u32 = 9;
const MAGIC: u32 = 0xd00d_feed;
const HEADER_BYTES: usize = 40;
/// Of the format, and the oldest one that a reader may know.
const VERSION: u32 = 17;
const COMPATIBLE_VERSION: u32 = 16;

/// A tree being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Builder {
    structure: Vec<u8>,
    strings: Vec<u8>,
}

impl Builder {
    /// A node with what `inside` writes into it.
    pub(super) fn node(self, name: &str, inside: impl FnOnce(Self) -> Self) -> Self {
        let mut builder = self.word(BEGIN_NODE);
        builder.structure.extend(name.bytes());
        builder.structure.push(0);
        inside(builder.aligned()).word(END_NODE)
    }

    pub(super) fn property(mut self, name: &str, value: &[u8]) -> Self {
        let offset = self.strings.len() as u32;
        self.strings.extend(name.bytes());
        self.strings.push(0);
        let mut builder = self.word(PROPERTY).word(value.len() as u32).word(offset);
        builder.structure.extend(value);
        builder.aligned()
    }

    pub(super) fn cells(self, name: &str, cells: &[u32]) -> Self {
        let value: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.property(name, &value)
    }

    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.property(name, &[value.as_bytes(), &[0]].concat())
    }

    /// The whole file: header, an empty list of reservations, nodes, names of properties.
    pub(super) fn finish(self) -> Vec<u8> {
        let Self { structure, strings } = self.word(END);
        let at_structure = HEADER_BYTES + 16;
        let at_strings = at_structure + structure.len();
        let header = [
            MAGIC,
            (at_strings + strings.len()) as u32,
            at_structure as u32,
            at_strings as u32,
            HEADER_BYTES as u32,
            VERSION,
            COMPATIBLE_VERSION,
            0,
            strings.len() as u32,
            structure.len() as u32,
        ];
        let header: Vec<u8> = header.iter().flat_map(|word| word.to_be_bytes()).collect();
        [header, vec![0; 16], structure, strings].concat()
    }

    fn word(mut self, word: u32) -> Self {
        self.structure.extend(word.to_be_bytes());
        self
    }

    fn aligned(mut self) -> Self {
        let length = self.structure.len().next_multiple_of(4);
        self.structure.resize(length, 0);
        self
    }
}
