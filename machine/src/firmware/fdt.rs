//! The flattened device tree: what firmware and loaders on AArch64 and RISC-V say about the
//! machine (Devicetree Specification, chapter 5).
//!
//! [`Tree::new`] looks at every token once and refuses a tree that is malformed; whoever walks
//! the tree afterwards meets nothing unexpected, and would merely stop early if he did. Depth
//! and counts are bounded, nothing panics, nothing is allocated.

#[cfg(test)]
#[path = "fdt/build.rs"]
pub(crate) mod build;
#[cfg(test)]
#[path = "fdt/tests.rs"]
mod tests;

use core::fmt;

const MAGIC: u32 = 0xd00d_feed;
/// Version 17 is of 2006; what is older lacks the structure block's size.
const VERSION: u32 = 17;
const HEADER_BYTES: usize = 40;
/// An entry of the reservation block: an address and a size.
const RESERVATION_BYTES: usize = 16;
/// Nodes inside nodes. Trees in use have four to eight levels.
pub const MAX_DEPTH: usize = 16;
/// Trees larger than this are refused; QEMU's are 1 MiB of mostly nothing.
pub const MAX_BYTES: usize = 2 << 20;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// A piece of the physical address space.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Region {
    /// Its first address.
    pub base: u64,
    /// How long it is.
    pub size: u64,
}

impl Region {
    /// One past its last address.
    pub const fn end(self) -> u64 {
        self.base.saturating_add(self.size)
    }
}

/// Why a device tree is of no use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FdtError {
    /// The first word is not a device tree's.
    NotATree,
    /// Older than version 17, or not compatible with it.
    Version,
    /// A block lies outside of the tree, or the tree outside of its memory.
    Bounds,
    /// Tokens, names or properties do not follow each other as they must.
    Structure,
    /// Nodes are nested deeper than [`MAX_DEPTH`].
    Depth,
}

impl FdtError {
    /// The error in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotATree => "device tree: there is none at the address that was passed",
            Self::Version => "device tree: not version 17",
            Self::Bounds => "device tree: malformed, a block lies outside of it",
            Self::Structure => "device tree: malformed structure",
            Self::Depth => "device tree: nested too deeply",
        }
    }
}

impl fmt::Display for FdtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The first big-endian word of `bytes`.
fn word(bytes: &[u8]) -> Option<u32> {
    bytes
        .first_chunk::<4>()
        .map(|word| u32::from_be_bytes(*word))
}

/// The big-endian number in up to two cells; `None` for more, which is no address of ours.
fn number(cells: &[u8]) -> Option<u64> {
    match cells.len() {
        0 => Some(0),
        4 => word(cells).map(u64::from),
        8 => cells
            .first_chunk::<8>()
            .map(|bytes| u64::from_be_bytes(*bytes)),
        _ => None,
    }
}

/// A text up to its NUL, and what follows; `None` if there is no NUL.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((bytes.get(..end)?, bytes.get(end.checked_add(1)?..)?))
}

/// A token of the structure block.
enum Token<'a> {
    Begin { name: &'a [u8] },
    Property { name: u32, value: &'a [u8] },
    End,
    Finish,
}

/// Reads tokens one after the other; NOPs are skipped.
#[derive(Clone, Copy)]
struct Tokens<'a> {
    structure: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let taken = self.structure.get(self.at..)?.get(..bytes)?;
        // Tokens are aligned to four bytes; the end of the block may cut the padding short.
        self.at = self.at.checked_add(bytes)?.checked_next_multiple_of(4)?;
        Some(taken)
    }

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            return Some(match word(self.take(4)?)? {
                NOP => continue,
                BEGIN_NODE => {
                    let (name, _) = text(self.structure.get(self.at..)?)?;
                    self.take(name.len().checked_add(1)?)?;
                    Token::Begin { name }
                }
                PROPERTY => {
                    let length = word(self.take(4)?)?;
                    let name = word(self.take(4)?)?;
                    let value = self.take(usize::try_from(length).ok()?)?;
                    Token::Property { name, value }
                }
                END_NODE => Token::End,
                END => Token::Finish,
                _ => return None,
            });
        }
    }
}

/// A device tree that is well formed.
#[derive(Clone, Copy)]
pub struct Tree<'a> {
    bytes: &'a [u8],
    reservations: &'a [u8],
    structure: &'a [u8],
    strings: &'a [u8],
    /// Where the last block ends: the rest is padding.
    used: usize,
}

impl<'a> Tree<'a> {
    /// How many bytes the tree that starts with `header` has; eight bytes are enough.
    pub fn size(header: &[u8]) -> Result<usize, FdtError> {
        if word(header) != Some(MAGIC) {
            return Err(FdtError::NotATree);
        }
        let size = header.get(4..).and_then(word).ok_or(FdtError::Bounds)? as usize;
        if (HEADER_BYTES..=MAX_BYTES).contains(&size) {
            Ok(size)
        } else {
            Err(FdtError::Bounds)
        }
    }

    /// The tree in `bytes`, all of it checked.
    pub fn new(bytes: &'a [u8]) -> Result<Self, FdtError> {
        let size = Self::size(bytes)?;
        let bytes = bytes.get(..size).ok_or(FdtError::Bounds)?;
        let field = |index: usize| bytes.get(index * 4..).and_then(word).unwrap_or(0) as usize;
        if field(5) < VERSION as usize || field(6) > VERSION as usize {
            return Err(FdtError::Version);
        }
        let block = |start: usize, length: usize| {
            let end = start.checked_add(length).ok_or(FdtError::Bounds)?;
            let block = bytes.get(start..end).ok_or(FdtError::Bounds)?;
            Ok((block, end))
        };
        let (structure, structure_end) = block(field(2), field(9))?;
        let (strings, strings_end) = block(field(3), field(8))?;
        let (reservations, reservations_end) = reservations(bytes, field(4))?;
        let used = structure_end
            .max(strings_end)
            .max(reservations_end)
            .max(HEADER_BYTES);
        let tree = Self {
            bytes,
            reservations,
            structure,
            strings,
            used,
        };
        tree.check()?;
        Ok(tree)
    }

    /// Every token is in its place and every property has a name.
    fn check(&self) -> Result<(), FdtError> {
        let mut tokens = self.tokens();
        let (mut depth, mut roots) = (0usize, 0usize);
        // In a node, properties come before nodes.
        let mut properties_allowed = false;
        loop {
            match tokens.next().ok_or(FdtError::Structure)? {
                Token::Begin { .. } => {
                    roots = roots.saturating_add(usize::from(depth == 0));
                    depth = depth.saturating_add(1);
                    if depth > MAX_DEPTH {
                        return Err(FdtError::Depth);
                    }
                    properties_allowed = true;
                }
                Token::Property { name, .. } => {
                    if !properties_allowed || self.string(name).is_none() {
                        return Err(FdtError::Structure);
                    }
                }
                Token::End => {
                    depth = depth.checked_sub(1).ok_or(FdtError::Structure)?;
                    properties_allowed = false;
                }
                Token::Finish => {
                    return if depth == 0 && roots == 1 {
                        Ok(())
                    } else {
                        Err(FdtError::Structure)
                    };
                }
            }
        }
    }

    const fn tokens(&self) -> Tokens<'a> {
        Tokens {
            structure: self.structure,
            at: 0,
        }
    }

    fn string(&self, offset: u32) -> Option<&'a [u8]> {
        let (name, _) = text(self.strings.get(usize::try_from(offset).ok()?..)?)?;
        Some(name)
    }

    /// The whole tree, with its padding.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bytes [`Self::pack`] writes.
    pub const fn packed_len(&self) -> usize {
        self.used
    }

    /// Writes the tree without its padding to the start of `into`; `false` if it does not fit.
    pub fn pack(&self, into: &mut [u8]) -> bool {
        let (Some(into), Some(from)) = (into.get_mut(..self.used), self.bytes.get(..self.used))
        else {
            return false;
        };
        into.copy_from_slice(from);
        if let Some(size) = into.get_mut(4..8) {
            // Fits: it is less than the tree's own size, which is a word.
            size.copy_from_slice(&(self.used as u32).to_be_bytes());
        }
        true
    }

    /// The memory reservation block: what nobody may use.
    pub fn reservations(&self) -> impl Iterator<Item = Region> + 'a {
        let (entries, _) = self.reservations.as_chunks::<RESERVATION_BYTES>();
        entries.iter().filter_map(|entry| {
            Some(Region {
                base: number(entry.get(..8)?)?,
                size: number(entry.get(8..)?)?,
            })
        })
    }

    /// Every node, parents before their children.
    pub fn nodes(&self) -> Nodes<'a> {
        Nodes {
            tree: *self,
            tokens: self.tokens(),
            path: [Place::NOWHERE; MAX_DEPTH],
            depth: 0,
        }
    }

    /// The node at `path`, whose steps may leave out unit addresses; a path that does not begin
    /// with a slash begins with an alias.
    pub fn find(&self, path: &[u8]) -> Option<Node<'a>> {
        if path.first() == Some(&b'/') {
            return self.nodes().find(|node| node.is_at(path));
        }
        let cut = path.iter().position(|byte| *byte == b'/');
        let (alias, rest) = path.split_at(cut.unwrap_or(path.len()));
        let aliases = self.nodes().find(|node| node.is_at(b"/aliases"))?;
        let alias = aliases.string(core::str::from_utf8(alias).ok()?)?;
        // An alias of an alias is not followed.
        self.nodes()
            .find(|node| alias.first() == Some(&b'/') && rest.is_empty() && node.is_at(alias))
    }

    /// The first node that is in use and compatible with one of `names`.
    pub fn compatible(&self, names: &[&str]) -> Option<Node<'a>> {
        self.nodes()
            .find(|node| node.enabled() && names.iter().any(|name| node.compatible(name)))
    }

    /// RAM, as the memory nodes say.
    pub fn memory(&self) -> impl Iterator<Item = Region> + 'a {
        self.nodes()
            .filter(|node| node.depth() == 1 && node.enabled())
            .filter(|node| node.string("device_type") == Some(b"memory"))
            .flat_map(Node::regions)
    }

    /// What the children of `/reserved-memory` and the reservation block keep.
    pub fn reserved(&self) -> impl Iterator<Item = Region> + 'a {
        let children = self
            .nodes()
            .filter(|node| node.depth() == 2 && node.enabled())
            .filter(|node| node.parent_name() == Some(b"reserved-memory"))
            .flat_map(Node::regions);
        self.reservations().chain(children)
    }

    /// The file that the loader put into memory beside the kernel.
    pub fn initrd(&self) -> Option<Region> {
        let chosen = self.find(b"/chosen")?;
        let base = chosen.number("linux,initrd-start")?;
        let end = chosen.number("linux,initrd-end")?;
        let size = end.checked_sub(base).filter(|size| *size > 0)?;
        Some(Region { base, size })
    }

    /// The kernel's command line.
    pub fn command_line(&self) -> &'a [u8] {
        self.find(b"/chosen")
            .and_then(|chosen| chosen.string("bootargs"))
            .unwrap_or(&[])
    }

    /// The device that texts are to be written to.
    pub fn console(&self) -> Option<Node<'a>> {
        let path = self.find(b"/chosen")?.string("stdout-path")?;
        // Behind a colon come settings of the line.
        let path = path.split(|byte| *byte == b':').next()?;
        self.find(path)
    }
}

/// The reservations before the entry of zeroes, and where the block ends.
fn reservations(bytes: &[u8], start: usize) -> Result<(&[u8], usize), FdtError> {
    let block = bytes.get(start..).ok_or(FdtError::Bounds)?;
    let (entries, _) = block.as_chunks::<RESERVATION_BYTES>();
    let last = entries
        .iter()
        .position(|entry| *entry == [0; RESERVATION_BYTES])
        .ok_or(FdtError::Bounds)?;
    // The block is in memory, so its length fits.
    let length = last.saturating_mul(RESERVATION_BYTES);
    let reservations = block.get(..length).ok_or(FdtError::Bounds)?;
    let end = start
        .saturating_add(length)
        .saturating_add(RESERVATION_BYTES);
    Ok((reservations, end))
}

/// A node's name, and where its properties start.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a [u8],
    properties: usize,
}

impl Place<'_> {
    const NOWHERE: Self = Place {
        name: &[],
        properties: usize::MAX,
    };
}

/// Walks the nodes of a tree.
#[derive(Clone, Copy)]
pub struct Nodes<'a> {
    tree: Tree<'a>,
    tokens: Tokens<'a>,
    path: [Place<'a>; MAX_DEPTH],
    depth: usize,
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        loop {
            match self.tokens.next()? {
                Token::Begin { name } => {
                    *self.path.get_mut(self.depth)? = Place {
                        name,
                        properties: self.tokens.at,
                    };
                    // Bounded by the path.
                    self.depth = self.depth.saturating_add(1);
                    return Some(Node {
                        tree: self.tree,
                        path: self.path,
                        depth: self.depth,
                    });
                }
                Token::Property { .. } => {}
                Token::End => self.depth = self.depth.checked_sub(1)?,
                Token::Finish => return None,
            }
        }
    }
}

/// A node, together with those that it is inside of.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    tree: Tree<'a>,
    path: [Place<'a>; MAX_DEPTH],
    /// How much of `path` leads here, at least 1.
    depth: usize,
}

impl<'a> Node<'a> {
    /// How far from the root: 0 is the root itself.
    pub const fn depth(&self) -> usize {
        self.depth.saturating_sub(1)
    }

    fn place(&self, depth: usize) -> Place<'a> {
        self.path.get(depth).copied().unwrap_or(Place::NOWHERE)
    }

    /// Its name with its unit address.
    pub fn name(&self) -> &'a [u8] {
        self.place(self.depth()).name
    }

    /// The node that it is inside of.
    pub fn parent(&self) -> Option<Node<'a>> {
        (self.depth > 1).then(|| Node {
            depth: self.depth.saturating_sub(1),
            ..*self
        })
    }

    fn parent_name(&self) -> Option<&'a [u8]> {
        self.parent().map(|parent| parent.name())
    }

    /// Whether `path`, which starts with a slash, leads here.
    fn is_at(&self, path: &[u8]) -> bool {
        let mut steps = path
            .split(|byte| *byte == b'/')
            .filter(|step| !step.is_empty());
        let places = self.path.get(1..self.depth).unwrap_or(&[]);
        places
            .iter()
            .all(|place| steps.next().is_some_and(|step| is_named(place.name, step)))
            && steps.next().is_none()
    }

    /// The value of property `name`.
    pub fn property(&self, name: &str) -> Option<&'a [u8]> {
        let mut tokens = Tokens {
            structure: self.tree.structure,
            at: self.place(self.depth()).properties,
        };
        while let Some(Token::Property { name: found, value }) = tokens.next() {
            if self.tree.string(found) == Some(name.as_bytes()) {
                return Some(value);
            }
        }
        None
    }

    /// A property of one or two cells.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.property(name)
            .filter(|value| !value.is_empty())
            .and_then(number)
    }

    /// The cells of a property; none if it does not exist.
    pub fn cells(&self, name: &str) -> impl Iterator<Item = u32> + 'a {
        let value = self.property(name).unwrap_or(&[]);
        let (cells, _) = value.as_chunks::<4>();
        cells.iter().map(|cell| u32::from_be_bytes(*cell))
    }

    /// A property that is a text.
    pub fn string(&self, name: &str) -> Option<&'a [u8]> {
        let (string, _) = text(self.property(name)?)?;
        Some(string)
    }

    /// Whether one of its `compatible` texts is `name`.
    pub fn compatible(&self, name: &str) -> bool {
        let value = self.property("compatible").unwrap_or(&[]);
        value
            .split(|byte| *byte == 0)
            .any(|text| text == name.as_bytes())
    }

    /// Whether the device is there to be used.
    pub fn enabled(&self) -> bool {
        self.string("status")
            .is_none_or(|status| status == b"okay" || status == b"ok")
    }

    /// By what number other nodes refer to this one.
    pub fn phandle(&self) -> Option<u32> {
        self.cells("phandle")
            .next()
            .or_else(|| self.cells("linux,phandle").next())
    }

    /// How many cells the addresses of its children have.
    fn address_cells(&self) -> usize {
        self.cells("#address-cells").next().unwrap_or(2) as usize
    }

    /// How many cells the sizes of its children have.
    fn size_cells(&self) -> usize {
        self.cells("#size-cells").next().unwrap_or(1) as usize
    }

    /// The raw address in `reg`, which is no physical address where the bus is not one: the
    /// number of a processor.
    pub fn unit(&self) -> Option<u64> {
        let cells = self.parent()?.address_cells();
        number(self.property("reg")?.get(..cells.checked_mul(4)?)?)
    }

    /// What `reg` says, as physical addresses. Regions that no processor can reach are left out.
    pub fn regions(self) -> impl Iterator<Item = Region> + 'a {
        let (address, size) = self.parent().map_or((2, 1), |parent| {
            (parent.address_cells(), parent.size_cells())
        });
        let value = self.property("reg").unwrap_or(&[]);
        entries(value, [address, size, 0]).filter_map(move |[base, size, _]| {
            Some(Region {
                base: self.physical(number(base)?)?,
                size: number(size)?,
            })
        })
    }

    /// The physical address of `address` on the bus that this node is on.
    fn physical(&self, address: u64) -> Option<u64> {
        let mut bus = self.parent()?;
        let mut address = address;
        while let Some(above) = bus.parent() {
            address = bus.translate(&above, address)?;
            bus = above;
        }
        Some(address)
    }

    /// An address of this bus as one of the bus `above`, by `ranges`. A bus without that
    /// property cannot be reached.
    fn translate(&self, above: &Node<'_>, address: u64) -> Option<u64> {
        let ranges = self.property("ranges")?;
        if ranges.is_empty() {
            return Some(address);
        }
        let cells = [
            self.address_cells(),
            above.address_cells(),
            self.size_cells(),
        ];
        entries(ranges, cells).find_map(|[from, to, size]| {
            let offset = address.checked_sub(number(from)?)?;
            if offset < number(size)? {
                number(to)?.checked_add(offset)
            } else {
                None
            }
        })
    }
}

/// Whether a node of this name is meant by `step`, which may leave out the unit address.
fn is_named(name: &[u8], step: &[u8]) -> bool {
    name == step
        || (!step.contains(&b'@')
            && name.split(|byte| *byte == b'@').next() == Some(step)
            && name.contains(&b'@'))
}

/// `value` as entries of three numbers of `cells` cells each.
fn entries(value: &[u8], cells: [usize; 3]) -> impl Iterator<Item = [&[u8]; 3]> {
    // Cell counts come from the tree: those that are absurd make entries that no value holds.
    let [first, second, third] = cells.map(|cells| cells.saturating_mul(4));
    let mut rest = value;
    core::iter::from_fn(move || {
        let before = rest.len();
        let (a, tail) = rest.split_at_checked(first)?;
        let (b, tail) = tail.split_at_checked(second)?;
        let (c, tail) = tail.split_at_checked(third)?;
        rest = tail;
        // Entries of nothing would never end.
        (tail.len() < before).then_some([a, b, c])
    })
}
