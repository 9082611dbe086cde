//! `Ref<T>` and how the kernel looks through one.
//!
//! Untyped memory is the table, `Ref<T>` is the index: `k[tcb].priority`. A `Ref` gives no
//! access by itself; `&Kernel` lets one look, `&mut Kernel` lets one change.

use crate::Kernel;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::ops::{Index, IndexMut};
use machine::{KernelAddress, Kind, Machine};

/// Something that lives in untyped memory and that the kernel reaches by [`Ref`].
///
/// Implementors are `repr(C)` (or `repr(transparent)`), and every bit pattern that a born
/// object's memory can hold is a valid value.
pub trait Object: Sized {
    /// What the model machine checks that it finds.
    const KIND: Kind;
    /// Where the value starts, from the address that names the object. A TCB block is several
    /// disjoint objects at one address.
    const OFFSET: u64 = 0;
}

/// Names a live object of type `T`. One word; `Option<Ref<T>>` is one word too.
///
/// Invariant (docs/invariants.md#live): every `Ref` stored in kernel state names a live object
/// of its type.
pub struct Ref<T>(KernelAddress, PhantomData<fn() -> T>);

impl<T> Ref<T> {
    /// The object at `at`. Only `cap::pack`, `untyped`, `boot` and the object modules' own
    /// address arithmetic make references.
    #[inline(always)]
    pub(crate) const fn new(at: KernelAddress) -> Self {
        Self(at, PhantomData)
    }

    /// The address that names the object.
    #[inline(always)]
    pub const fn address(self) -> KernelAddress {
        self.0
    }

    /// What is stored for `this`: 0 for none. To compare two of these is one comparison.
    #[inline(always)]
    pub(crate) fn word(this: Option<Self>) -> u64 {
        this.map_or(0, |this| this.0.bits())
    }

    /// The same address, naming another object of the same block.
    #[inline(always)]
    pub(crate) const fn sibling<U>(self) -> Ref<U> {
        Ref::new(self.0)
    }
}

impl<T> Clone for Ref<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ref<T> {}
impl<T> PartialEq for Ref<T> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Ref<T> {}
impl<T> Hash for Ref<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{:x}", self.0.bits())
    }
}

impl<T: Object> Index<Ref<T>> for Kernel {
    type Output = T;

    #[inline(always)]
    fn index(&self, r: Ref<T>) -> &T {
        let p = self
            .machine
            .resolve(r.0.plus(T::OFFSET), size_of::<T>() as u64, T::KIND);
        // SAFETY: `r` names a live `T` (docs/invariants.md#live), objects are disjoint, and
        // every write to one goes through `&mut Kernel`, which `&self` excludes.
        unsafe { p.cast::<T>().as_ref() }
    }
}

impl<T: Object> IndexMut<Ref<T>> for Kernel {
    #[inline(always)]
    fn index_mut(&mut self, r: Ref<T>) -> &mut T {
        let mut p = self
            .machine
            .resolve(r.0.plus(T::OFFSET), size_of::<T>() as u64, T::KIND)
            .cast::<T>();
        // SAFETY: as in `index`; `&mut self` makes this the only access.
        unsafe { p.as_mut() }
    }
}

impl Kernel {
    /// Two objects at once; `None` if they are the same one.
    #[inline(always)]
    pub fn pair<T: Object>(&mut self, a: Ref<T>, b: Ref<T>) -> Option<(&mut T, &mut T)> {
        if a == b {
            return None;
        }
        let mut a = self
            .machine
            .resolve(a.0.plus(T::OFFSET), size_of::<T>() as u64, T::KIND)
            .cast::<T>();
        let mut b = self
            .machine
            .resolve(b.0.plus(T::OFFSET), size_of::<T>() as u64, T::KIND)
            .cast::<T>();
        // SAFETY: `a` names a live `T`, is not `b`, and `&mut self` excludes other accesses.
        let a = unsafe { a.as_mut() };
        // SAFETY: likewise, and disjoint from `a` because distinct live objects are disjoint.
        let b = unsafe { b.as_mut() };
        Some((a, b))
    }
}

impl Kernel {
    /// An object together with the array of `len` elements that follows `offset` bytes behind
    /// its start.
    #[inline(always)]
    pub(crate) fn with_tail<T: Object, U: Object>(
        &mut self,
        r: Ref<T>,
        offset: u64,
        len: u64,
    ) -> (&mut T, &mut [U]) {
        let bytes = len.wrapping_mul(size_of::<U>() as u64);
        let mut object = self
            .machine
            .resolve(r.0.plus(T::OFFSET), size_of::<T>() as u64, T::KIND)
            .cast::<T>();
        let tail = self
            .machine
            .resolve(r.0.plus(offset), bytes, U::KIND)
            .cast::<U>();
        // SAFETY: `r` names a live `T` and `&mut self` excludes other accesses.
        let object = unsafe { object.as_mut() };
        // SAFETY: the object's memory goes on behind `offset >= size_of::<T>()` with `len`
        // elements (its own count says so), disjoint from the `T` itself.
        let tail = unsafe { core::slice::from_raw_parts_mut(tail.as_ptr(), len as usize) };
        (object, tail)
    }
}
