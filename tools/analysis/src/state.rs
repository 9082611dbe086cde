//! What is known before an instruction: how much stack is in use, and some registers.

/// A register's content, as far as it depends on the image alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Value {
    #[default]
    Unknown,
    Known(u64),
    /// The address of some entry of the table that begins here.
    Place(u64),
    /// Some entry of a table.
    Entry(Table),
    /// An address that some entry of a table gives.
    Target(Target),
    /// A number that was shifted to the left: perhaps the offset of an entry.
    Offset,
    /// An address that such an offset was added to.
    SomePlace,
    /// Some entry of a table that is somewhere.
    SomeEntry,
    /// An address that an entry of a table somewhere gives, relative to this one.
    SomeTarget(u64),
}

/// A table of constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) at: u64,
    /// Bytes of an entry.
    pub(crate) bytes: u8,
    pub(crate) signed: bool,
}

impl Table {
    /// Where this entry of it is.
    pub(crate) fn place(self, index: i64) -> u64 {
        let offset = index * i64::from(self.bytes);
        self.at.wrapping_add_signed(offset)
    }
}

/// `base + (entry << shift)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) table: Table,
    pub(crate) base: u64,
    pub(crate) shift: u8,
}

/// No image has anything below 1 MiB: smaller numbers are no addresses.
const LOWEST: u64 = 1 << 20;

impl Value {
    pub(crate) fn known(self) -> Option<u64> {
        match self {
            Value::Known(value) => Some(value),
            _ => None,
        }
    }

    /// `self + (other << shift)`, as processors add: modulo 2^64.
    pub(crate) fn plus(self, other: Value, shift: u8) -> Value {
        match (self, other) {
            (Value::Known(a), Value::Known(b)) => Value::Known(a.wrapping_add(b << shift)),
            (Value::Known(base), Value::Entry(table)) => {
                Value::Target(Target { table, base, shift })
            }
            (Value::Entry(table), Value::Known(base)) if shift == 0 => {
                Value::Target(Target { table, base, shift })
            }
            (Value::Known(base), Value::SomeEntry) => Value::SomeTarget(base),
            (Value::SomeEntry, Value::Known(base)) if shift == 0 => Value::SomeTarget(base),
            (Value::Known(at), _) if at >= LOWEST => Value::Place(at),
            (_, Value::Known(at)) if shift == 0 && at >= LOWEST => Value::Place(at),
            (Value::Place(at), _) => Value::Place(at),
            (_, Value::Place(at)) if shift == 0 => Value::Place(at),
            (Value::Unknown, Value::Offset) | (Value::Offset, Value::Unknown) => Value::SomePlace,
            _ => Value::Unknown,
        }
    }

    /// The first address that this may be, if it is an address in a table.
    pub(crate) fn place(self) -> Option<u64> {
        match self {
            Value::Place(at) | Value::Target(Target { base: at, .. }) => Some(at),
            _ => None,
        }
    }

    pub(crate) fn plus_constant(self, constant: i64) -> Value {
        match self {
            Value::Known(a) => Value::Known(a.wrapping_add_signed(constant)),
            Value::Place(at) => Value::Place(at.wrapping_add_signed(constant)),
            Value::SomePlace => Value::SomePlace,
            _ => Value::Unknown,
        }
    }
}

/// Registers that no architecture of ours has more of.
const REGISTERS: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// Bytes of stack in use since the function was entered, at most.
    pub(crate) depth: i64,
    registers: [Value; REGISTERS],
}

impl State {
    pub(crate) fn at_depth(depth: i64) -> Self {
        Self {
            depth,
            registers: [Value::Unknown; REGISTERS],
        }
    }

    pub(crate) fn get(&self, register: usize) -> Value {
        self.registers.get(register).copied().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, register: usize, value: Value) {
        if let Some(slot) = self.registers.get_mut(register) {
            *slot = value;
        }
    }

    /// What a call leaves.
    pub(crate) fn keep_only(&mut self, kept: &[usize]) {
        for register in 0..REGISTERS {
            if !kept.contains(&register) {
                self.set(register, Value::Unknown);
            }
        }
    }

    /// Takes in another way to come here. Answers whether anything changed.
    pub(crate) fn join(&mut self, other: &State) -> bool {
        let before = self.clone();
        self.depth = self.depth.max(other.depth);
        for (slot, value) in self.registers.iter_mut().zip(other.registers) {
            if *slot != value {
                *slot = Value::Unknown;
            }
        }
        *self != before
    }
}

/// Where an instruction goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    On,
    Jump(u64),
    Branch(u64),
    /// With the bytes of a return address that are pushed.
    Call(u64, i64),
    /// To one of several places.
    Choice(Target),
    /// To one of several places, by a table whose address is not known here; its entries may be
    /// relative to an address that is.
    SomeChoice(Option<u64>),
    /// To an address that the image does not determine.
    UnknownCall,
    UnknownJump,
    /// Returns, or never goes on.
    End,
}

/// An instruction that was followed.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) bytes: u64,
    pub(crate) after: State,
    pub(crate) flow: Flow,
}
