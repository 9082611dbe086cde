//! A list with a bound, for places without an allocator.

/// Up to `N` values of `T`.
#[derive(Clone, Copy, Debug)]
pub struct List<T, const N: usize> {
    items: [T; N],
    len: usize,
}

impl<T: Copy, const N: usize> List<T, N> {
    /// An empty list; `filler` is what its unused places hold.
    pub const fn new(filler: T) -> Self {
        Self {
            items: [filler; N],
            len: 0,
        }
    }

    /// Appends `item`; `false` if the list is full.
    pub fn push(&mut self, item: T) -> bool {
        match self.items.get_mut(self.len) {
            Some(place) => {
                *place = item;
                // `len` was an index of `items`.
                self.len = self.len.saturating_add(1);
                true
            }
            None => false,
        }
    }

    /// What is in the list.
    pub fn as_slice(&self) -> &[T] {
        self.items.get(..self.len).unwrap_or(&[])
    }

    /// What is in the list, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.items.get_mut(..self.len).unwrap_or(&mut [])
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.len = 0;
    }
}
