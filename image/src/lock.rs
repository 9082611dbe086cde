//! The one kernel, and the one lock around it.
//!
//! [`acquire`] is the only source of `&mut Kernel`. With one core there is nobody to wait for:
//! the kernel runs with interrupts off, and what can interrupt it all the same (faults of its
//! own, NMI, machine checks) never comes here.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};
use kernel::Kernel;

struct Lock {
    held: AtomicBool,
    kernel: UnsafeCell<MaybeUninit<Kernel>>,
}

// SAFETY: `kernel` is reached through `Locked` only, of which one exists at a time.
unsafe impl Sync for Lock {}

static LOCK: Lock = Lock {
    held: AtomicBool::new(false),
    kernel: UnsafeCell::new(MaybeUninit::uninit()),
};

/// The kernel, while this core has it to itself.
pub(crate) struct Locked(());

/// Puts the kernel in its place, before anybody can enter it.
pub(crate) fn install(kernel: Kernel) -> Locked {
    let locked = acquire(0);
    // SAFETY: this is the one `Locked`, and no reference has been made from it yet.
    unsafe { (*LOCK.kernel.get()).write(kernel) };
    locked
}

/// Waits until `core` has the kernel to itself. Called on entry to the kernel: [`install`] came
/// long before.
#[inline(always)]
pub(crate) fn acquire(_core: usize) -> Locked {
    if crate::arch::CORES > 1 {
        while LOCK.held.swap(true, Ordering::Acquire) {
            core::hint::spin_loop();
        }
    }
    Locked(())
}

impl Deref for Locked {
    type Target = Kernel;

    #[inline(always)]
    fn deref(&self) -> &Kernel {
        let kernel = LOCK.kernel.get().cast::<Kernel>();
        // SAFETY: this is the one `Locked`, and the kernel has been installed.
        unsafe { &*kernel }
    }
}

impl DerefMut for Locked {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Kernel {
        let kernel = LOCK.kernel.get().cast::<Kernel>();
        // SAFETY: this is the one `Locked`, borrowed mutably, and the kernel has been installed.
        unsafe { &mut *kernel }
    }
}

impl Drop for Locked {
    #[inline(always)]
    fn drop(&mut self) {
        if crate::arch::CORES > 1 {
            LOCK.held.store(false, Ordering::Release);
        }
    }
}
