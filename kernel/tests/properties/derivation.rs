//! The derivation list against an explicit tree.
//!
//! A dozen slots, random operations on capabilities. The twin is a map from slot to parent, kept by
//! rules that a person can check: a copy is a child of what can revoke it, and when a capability goes,
//! its children become those of its parent.

use crate::world::objects::{CNODE, DEPTH};
use crate::world::{CPtr, World};
use abi::rights::CapRights;
use abi::{Invocation, ObjectType, Word};
use kernel::Kernel;
use kernel::cap::Cap;
use kernel::cdt;
use kernel::object::cnode::Slot;
use kernel::object::store::Ref;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const SLOTS: Word = 9;

#[derive(Clone, Copy, Debug)]
enum Act {
    Retype {
        from: Word,
        to: Word,
        object: Object,
    },
    Copy {
        from: Word,
        to: Word,
    },
    Mint {
        from: Word,
        to: Word,
        badge: Word,
    },
    Move {
        from: Word,
        to: Word,
    },
    Rotate {
        to: Word,
        pivot: Word,
        from: Word,
    },
    Delete(Word),
    Revoke(Word),
    /// A copy between any two slots, full or empty.
    Raw(Word),
}

#[derive(Clone, Copy, Debug)]
enum Object {
    Endpoint,
    Notification,
    Untyped,
    SchedContext,
    Reply,
}

fn object() -> impl Strategy<Value = Object> {
    prop_oneof![
        3 => Just(Object::Endpoint),
        1 => Just(Object::Notification),
        2 => Just(Object::Untyped),
        1 => Just(Object::SchedContext),
        1 => Just(Object::Reply),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let slot = || 0..SLOTS * 4;
    prop_oneof![
        3 => (slot(), slot(), object()).prop_map(|(from, to, object)| Act::Retype { from, to, object }),
        5 => (slot(), slot()).prop_map(|(from, to)| Act::Copy { from, to }),
        5 => (slot(), slot(), prop_oneof![1 => Just(0u64), 4 => Just(1), 1 => Just(2)]).prop_map(|(from, to, badge)| Act::Mint { from, to, badge }),
        2 => (slot(), slot()).prop_map(|(from, to)| Act::Move { from, to }),
        2 => (slot(), slot(), slot()).prop_map(|(to, pivot, from)| Act::Rotate { to, pivot, from }),
        2 => slot().prop_map(Act::Delete),
        1 => slot().prop_map(Act::Revoke),
        1 => slot().prop_map(Act::Raw),
    ]
}

/// What the twin knows of a capability.
#[derive(Clone, Debug)]
struct Node {
    parent: Option<Word>,
    /// Whether its copies are its children: it was made, not copied; or it was given a badge.
    original: bool,
}

/// The tree, by slot.
#[derive(Clone, Debug, Default)]
struct Tree(BTreeMap<Word, Node>);

impl Tree {
    fn insert(&mut self, slot: Word, parent: Option<Word>, original: bool) {
        self.0.insert(slot, Node { parent, original });
    }

    fn copied(&mut self, from: Word, to: Word, original: bool) {
        let source = self.0[&from].clone();
        let parent = if source.original {
            Some(from)
        } else {
            source.parent
        };
        self.insert(to, parent, original);
    }

    fn remove(&mut self, slot: Word) {
        let gone = self.0.remove(&slot).expect("it was there");
        for node in self.0.values_mut().filter(|node| node.parent == Some(slot)) {
            node.parent = gone.parent;
        }
    }

    fn rename(&mut self, names: &[(Word, Word)]) {
        let new = |slot: Word| {
            names
                .iter()
                .find(|(old, _)| *old == slot)
                .map_or(slot, |(_, new)| *new)
        };
        let old = std::mem::take(&mut self.0);
        for (slot, node) in old {
            let parent = node.parent.map(new);
            self.0.insert(new(slot), Node { parent, ..node });
        }
    }

    fn descendants(&self, slot: Word) -> BTreeSet<Word> {
        let mut found = BTreeSet::new();
        let mut todo = vec![slot];
        while let Some(parent) = todo.pop() {
            for (&child, _) in self
                .0
                .iter()
                .filter(|(_, node)| node.parent == Some(parent))
            {
                found.insert(child);
                todo.push(child);
            }
        }
        found
    }
}

struct Twins {
    w: World,
    tree: Tree,
    first: Word,
    cnode: Ref<Slot>,
}

impl Twins {
    fn new() -> Self {
        let mut w = World::new();
        // The slots are a piece of the root CNode; the first one holds the memory for everything.
        let first = w.free_slots(SLOTS).0;
        let (untyped, to) = (w.untyped, CPtr(first));
        w.try_retype(untyped, ObjectType::Untyped, 12, to, 1)
            .expect("memory");
        let Cap::CNode(root) = w.cap(CNODE) else {
            panic!("a CNode")
        };
        let mut tree = Tree::default();
        tree.insert(0, None, true);
        Self {
            w,
            tree,
            first,
            cnode: root.slot(first),
        }
    }

    fn at(&self, slot: Word) -> CPtr {
        CPtr(self.first + slot)
    }

    fn slot(&self, slot: Word) -> Ref<Slot> {
        let Cap::CNode(root) = self.w.cap(CNODE) else {
            panic!("a CNode")
        };
        root.slot(self.first + slot)
    }

    fn number(&self, slot: Ref<Slot>) -> Option<Word> {
        let offset = slot
            .address()
            .bits()
            .checked_sub(self.cnode.address().bits())?
            / 32;
        (offset < SLOTS).then_some(offset)
    }

    /// A slot that holds something, or one that does not, if there is one.
    fn choose(&self, choice: Word, full: bool) -> Word {
        self.choose_if(choice, |slot| self.tree.0.contains_key(&slot) == full)
    }

    fn choose_if(&self, choice: Word, fits: impl Fn(Word) -> bool) -> Word {
        let slots: Vec<Word> = (0..SLOTS).filter(|slot| fits(*slot)).collect();
        slots
            .get(choice as usize % slots.len().max(1))
            .copied()
            .unwrap_or(choice % SLOTS)
    }

    /// A slot whose capability can be given a badge, if there is one.
    fn unbadged(&self, choice: Word) -> Word {
        self.choose_if(choice, |slot| match self.w.cap(self.at(slot)) {
            Cap::Endpoint(c) => c.badge == 0,
            Cap::Notification(c) => c.badge == 0,
            _ => false,
        })
    }

    /// Numbers become slots that make sense; now and then they stay what they are.
    fn sensible(&self, act: Act) -> Act {
        let (full, empty) = (|n| self.choose(n, true), |n| self.choose(n, false));
        match act {
            Act::Retype { from, to, object } => Act::Retype {
                from: full(from),
                to: empty(to),
                object,
            },
            Act::Copy { from, to } => Act::Copy {
                from: full(from),
                to: empty(to),
            },
            Act::Mint { from, to, badge } => Act::Mint {
                from: self.unbadged(from),
                to: empty(to),
                badge,
            },
            Act::Move { from, to } => Act::Move {
                from: full(from),
                to: empty(to),
            },
            Act::Rotate { to, pivot, from } if to % 4 > 0 => Act::Rotate {
                to: empty(to),
                pivot: full(pivot),
                from: full(from),
            },
            Act::Rotate { to, pivot, .. } => Act::Rotate {
                to: full(to),
                pivot: full(pivot),
                from: full(to),
            },
            Act::Delete(slot) => Act::Delete(full(slot)),
            Act::Revoke(slot) => Act::Revoke(full(slot)),
            Act::Raw(slot) => Act::Copy {
                from: slot % SLOTS,
                to: slot / 4,
            },
        }
    }

    /// Without memory nothing more would happen.
    fn provide_memory(&mut self) {
        let memory = (0..SLOTS).any(|slot| matches!(self.w.cap(self.at(slot)), Cap::Untyped(_)));
        let place = self.choose(0, false);
        if !memory && !self.tree.0.contains_key(&place) {
            let (untyped, to) = (self.w.untyped, self.at(place));
            self.w
                .try_retype(untyped, ObjectType::Untyped, 12, to, 1)
                .expect("memory");
            self.tree.insert(place, None, true);
        }
    }

    /// Does it, and tells the tree if the kernel agreed.
    fn act(&mut self, act: Act) {
        self.provide_memory();
        let at = |slot: Word| self.first + slot;
        let badged = |w: &World, slot: CPtr| match w.cap(slot) {
            Cap::Endpoint(c) => Some(c.badge),
            Cap::Notification(c) => Some(c.badge),
            _ => None,
        };
        match self.sensible(act) {
            Act::Raw(_) => {}
            Act::Retype { from, to, object } => {
                let (object, bits) = match object {
                    Object::Endpoint => (ObjectType::Endpoint, 0),
                    Object::Notification => (ObjectType::Notification, 0),
                    Object::Untyped => (ObjectType::Untyped, 8),
                    Object::SchedContext => (ObjectType::SchedContext, 7),
                    Object::Reply => (ObjectType::Reply, 0),
                };
                // Asking an endpoint would send it a message.
                let memory = matches!(self.w.cap(CPtr(at(from))), Cap::Untyped(_));
                if memory
                    && self
                        .w
                        .try_retype(CPtr(at(from)), object, bits, CPtr(at(to)), 1)
                        .is_ok()
                {
                    self.tree.insert(to, Some(from), true);
                }
            }
            Act::Copy { from, to } => {
                let words = [at(to), DEPTH, at(from), DEPTH, CapRights::ALL.0];
                if self
                    .w
                    .root_invokes(CNODE, Invocation::CNodeCopy, &words, &[CNODE])
                    .is_ok()
                {
                    let original = matches!(self.w.cap(self.at(to)), Cap::Untyped(_));
                    self.tree.copied(from, to, original);
                }
            }
            Act::Mint { from, to, badge } => {
                if self
                    .w
                    .try_mint(self.at(from), self.at(to), CapRights::ALL, badge)
                    .is_ok()
                {
                    let new_badge = badged(&self.w, self.at(from)) != badged(&self.w, self.at(to));
                    let untyped = matches!(self.w.cap(self.at(to)), Cap::Untyped(_));
                    self.tree.copied(from, to, new_badge || untyped);
                }
            }
            Act::Move { from, to } => {
                let words = [at(to), DEPTH, at(from), DEPTH];
                if self
                    .w
                    .root_invokes(CNODE, Invocation::CNodeMove, &words, &[CNODE])
                    .is_ok()
                {
                    self.tree.rename(&[(from, to)]);
                }
            }
            Act::Rotate { to, pivot, from } => {
                if self
                    .w
                    .rotate(self.at(to), self.at(pivot), self.at(from))
                    .is_ok()
                {
                    self.tree.rename(&[(pivot, to), (from, pivot)]);
                }
            }
            Act::Delete(slot) => {
                self.w.delete(self.at(slot));
                if self.tree.0.contains_key(&slot) {
                    self.tree.remove(slot);
                }
            }
            Act::Revoke(slot) => {
                self.w.revoke(self.at(slot));
                for gone in self.tree.descendants(slot) {
                    self.tree.remove(gone);
                }
            }
        }
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        for slot in 0..SLOTS {
            let full = self.w.cap(self.at(slot)) != Cap::Null;
            prop_assert_eq!(full, self.tree.0.contains_key(&slot), "slot {}", slot);
            if full {
                let found = descendants(&self.w.k, self.slot(slot));
                let found: BTreeSet<Word> =
                    found.into_iter().filter_map(|s| self.number(s)).collect();
                prop_assert_eq!(
                    found,
                    self.tree.descendants(slot),
                    "descendants of slot {}",
                    slot
                );
            }
        }
        Ok(())
    }
}

/// The slots derived from `slot`, as the kernel finds them.
fn descendants(k: &Kernel, slot: Ref<Slot>) -> Vec<Ref<Slot>> {
    let mut found = Vec::new();
    let mut next = cdt::first_child(k, slot);
    while let Some(child) = next {
        found.push(child);
        next = k[child]
            .links()
            .next()
            .filter(|&behind| cdt::is_parent(k, slot, behind));
    }
    found
}

proptest! {
    #![proptest_config(crate::config(100))]

    #[test]
    fn list_and_tree_agree(acts in prop::collection::vec(act(), 1..100)) {
        let mut twins = Twins::new();
        for act in acts {
            twins.act(act);
            twins.compare()?;
        }
        // What is left is checked in depth when the world ends.
    }
}
