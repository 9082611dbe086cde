//! Capabilities that only this ISA has: none.

use crate::Kernel;
use crate::cap::DataUpdate;
use abi::Word;

/// No such capability exists, so nothing can be asked of one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IsaCap {}

impl IsaCap {
    pub(crate) const fn pack(self) -> (u16, Word) {
        match self {}
    }

    pub(crate) const fn unpack(_: u16, _: Word) -> Option<Self> {
        None
    }

    pub(crate) fn covers(&self, _: &Self) -> bool {
        match *self {}
    }

    pub(crate) fn revocable_from(&self, _: &Self) -> bool {
        match *self {}
    }

    pub(crate) fn with_data(self, _: Word, _: DataUpdate) -> Option<Self> {
        match self {}
    }

    pub(crate) fn comes_from_irq_control(&self) -> bool {
        match *self {}
    }

    pub(crate) fn derive(self) -> Option<Self> {
        match self {}
    }

    pub(crate) fn cap_number(&self) -> Word {
        match *self {}
    }

    pub(crate) fn release(self, _: &mut Kernel) {
        match self {}
    }
}
