//! Another address space with the same contents: every page of the image, at the same place.

use crate::bench::Bench;
use abi::CapRights;
use user_alloc::{AddressSpace, Result};
use user_api::{Attributes, Error, Space};
use user_runtime::boot::root;
use user_runtime::image;

const PAGE: usize = 1 << abi::object::PAGE_BITS;

/// A new one; threads in it share the capability space with us.
pub(crate) fn twin(bench: &mut Bench) -> Result<Space> {
    let space = AddressSpace::create(&mut bench.allocator, root::ASID_POOL, 0..0)?;
    for address in image::range().step_by(PAGE) {
        let frame = image::frame_of(bench.boot, address).ok_or(Error::IllegalOperation)?;
        let copy = bench.allocator.copy(frame, CapRights::ALL)?;
        space.map_at(
            &mut bench.allocator,
            copy,
            address as u64,
            CapRights::READ_WRITE,
            Attributes::DEFAULT,
        )?;
    }
    Ok(Space {
        vspace: space.root,
        ..root::SPACE
    })
}
