//! Memory, saved as its differences from a base and restored by block: what exhaustive
//! exploration needs, where a clone for every step would cost most of the time.

use super::{GRANULE, Memory, PAGE, PEOPLED, REACHED, Region};
use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Bytes of a block.
const BLOCK: u64 = 256;
const BLOCK_BYTES: usize = BLOCK as usize;
const BLOCK_GRANULES: usize = (BLOCK / GRANULE) as usize;

/// The contents of a block, and what lives there.
#[derive(Clone, PartialEq, Eq)]
struct Block {
    bytes: [u8; BLOCK_BYTES],
    kinds: [u8; BLOCK_GRANULES],
}

/// One region: the blocks that differ from the base.
type Blocks = BTreeMap<u32, Rc<Block>>;

/// All of memory, as differences.
#[derive(Clone, Default, PartialEq)]
pub(in crate::model) struct Saved(Vec<Rc<Blocks>>);

/// What a region remembers while it is tracked.
pub(super) struct Tracking {
    base: Vec<Block>,
    /// What the region held when it was last saved or restored.
    last: RefCell<Rc<Blocks>>,
    touched: Vec<Cell<bool>>,
    list: RefCell<Vec<u32>>,
}

impl Memory {
    /// From now on changes are tracked; what is there now is the base.
    pub(in crate::model) fn track(&mut self) {
        self.regions.iter_mut().for_each(Region::track);
    }

    /// What memory holds.
    pub(in crate::model) fn save(&self) -> Saved {
        Saved(self.regions.iter().map(Region::save).collect())
    }

    /// Makes memory hold what it held when `saved` was.
    pub(in crate::model) fn restore(&mut self, saved: &Saved) {
        for (region, blocks) in self.regions.iter_mut().zip(&saved.0) {
            region.restore(blocks);
        }
    }

    /// The blocks that have changed since the last save or restore: where, and their words
    /// before and now.
    pub(in crate::model) fn changes(&self) -> Vec<(u64, Vec<u64>, Vec<u64>)> {
        self.regions.iter().flat_map(Region::changes).collect()
    }
}

fn words(block: &Block) -> Vec<u64> {
    let (words, _) = block.bytes.as_chunks::<8>();
    words.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

impl Region {
    fn track(&mut self) {
        self.tracking = None;
        let count = self.len / BLOCK;
        self.tracking = Some(Box::new(Tracking {
            base: (0..count).map(|block| self.block(block as u32)).collect(),
            last: RefCell::default(),
            touched: vec![Cell::new(false); count as usize],
            list: RefCell::default(),
        }));
    }

    /// The blocks of the range may change now.
    #[inline]
    pub(super) fn touch(&self, offset: u64, len: u64) {
        if let Some(tracking) = &self.tracking {
            for block in offset / BLOCK..=(offset + len.max(1) - 1) / BLOCK {
                if !tracking.touched[block as usize].replace(true) {
                    tracking.list.borrow_mut().push(block as u32);
                }
            }
        }
    }

    fn block(&self, block: u32) -> Block {
        let offset = u64::from(block) * BLOCK;
        let mut bytes = [0; BLOCK_BYTES];
        // SAFETY: the block lies inside the region, which is initialised; the copy ends with
        // this statement, and `&self` excludes writes meanwhile.
        unsafe {
            self.pointer(offset)
                .as_ptr()
                .copy_to_nonoverlapping(bytes.as_mut_ptr(), BLOCK_BYTES);
        };
        let mut kinds = [0; BLOCK_GRANULES];
        kinds.copy_from_slice(&self.kinds[Self::granules(offset, BLOCK)]);
        Block { bytes, kinds }
    }

    fn put(&mut self, block: u32, from: &Block) {
        let offset = u64::from(block) * BLOCK;
        // SAFETY: the block lies inside the region, and `&mut self` excludes other accesses.
        unsafe {
            self.pointer(offset)
                .as_ptr()
                .copy_from_nonoverlapping(from.bytes.as_ptr(), BLOCK_BYTES);
        };
        self.kinds[Self::granules(offset, BLOCK)].copy_from_slice(&from.kinds);
        // To believe that a page may hold something is always allowed.
        let page = &self.pages[(offset / PAGE) as usize];
        page.set(page.get() | REACHED | PEOPLED);
    }

    fn save(&self) -> Rc<Blocks> {
        let Some(tracking) = &self.tracking else {
            panic!("model: only a tracked machine can be saved");
        };
        let mut last = tracking.last.borrow_mut();
        for block in tracking.list.borrow_mut().drain(..) {
            tracking.touched[block as usize].set(false);
            let now = self.block(block);
            match last.get(&block) {
                Some(before) if **before == now => {}
                None if now == tracking.base[block as usize] => {}
                _ if now == tracking.base[block as usize] => {
                    Rc::make_mut(&mut last).remove(&block);
                }
                _ => {
                    Rc::make_mut(&mut last).insert(block, Rc::new(now));
                }
            }
        }
        Rc::clone(&last)
    }

    fn restore(&mut self, blocks: &Rc<Blocks>) {
        let Some(tracking) = self.tracking.take() else {
            panic!("model: only a tracked machine can be restored");
        };
        let mut last = tracking.last.borrow_mut();
        let same = |a: Option<&Rc<Block>>, b: Option<&Rc<Block>>| match (a, b) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        for block in tracking.list.borrow_mut().drain(..) {
            tracking.touched[block as usize].set(false);
            let from = blocks.get(&block).map(|block| &**block);
            self.put(block, from.unwrap_or(&tracking.base[block as usize]));
        }
        if !Rc::ptr_eq(&last, blocks) {
            let others = last.keys().chain(blocks.keys());
            for block in others {
                if !same(last.get(block), blocks.get(block)) {
                    let from = blocks.get(block).map(|block| &**block);
                    self.put(*block, from.unwrap_or(&tracking.base[*block as usize]));
                }
            }
            last.clone_from(blocks);
        }
        drop(last);
        self.tracking = Some(tracking);
    }

    fn changes(&self) -> Vec<(u64, Vec<u64>, Vec<u64>)> {
        let Some(tracking) = &self.tracking else {
            return Vec::new();
        };
        let last = tracking.last.borrow();
        let mut found = Vec::new();
        for block in tracking.list.borrow().iter() {
            let before = last.get(block).map(|block| &**block);
            let before = before.unwrap_or(&tracking.base[*block as usize]);
            let now = self.block(*block);
            if before.bytes != now.bytes {
                let at = self.base + u64::from(*block) * BLOCK;
                found.push((at, words(before), words(&now)));
            }
        }
        found
    }
}
