//! QEMU's plugin interface, version 4: the part of it that is used here.

use crate::counting::{self, Known};
use crate::options::Options;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::NonNull;

/// What QEMU looks for first.
#[unsafe(no_mangle)]
static qemu_plugin_version: c_int = 4;

/// The callbacks here do not look at registers.
const NO_REGISTERS: c_int = 0;
/// Reads and writes.
const READ_WRITE: c_int = 3;
/// A condition: not equal.
const NOT_EQUAL: c_int = 3;

type OnExecution = extern "C" fn(c_uint, *mut c_void);
type OnAccess = extern "C" fn(c_uint, u32, u64, *mut c_void);
type OnTranslation = extern "C" fn(u64, *mut c_void);

/// A word for each processor that translated code can test by itself.
#[derive(Clone, Copy)]
#[repr(C)]
struct ScoreboardWord {
    scoreboard: *mut c_void,
    offset: usize,
}

// SAFETY: the signatures are those of QEMU's header.
unsafe extern "C" {
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: u64, callback: OnTranslation);
    fn qemu_plugin_tb_n_insns(block: *const c_void) -> usize;
    fn qemu_plugin_tb_get_insn(block: *const c_void, index: usize) -> *mut c_void;
    fn qemu_plugin_insn_vaddr(instruction: *const c_void) -> u64;
    fn qemu_plugin_register_vcpu_insn_exec_cb(
        instruction: *mut c_void,
        callback: OnExecution,
        flags: c_int,
        data: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_insn_exec_cond_cb(
        instruction: *mut c_void,
        callback: OnExecution,
        flags: c_int,
        condition: c_int,
        word: ScoreboardWord,
        value: u64,
        data: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_mem_cb(
        instruction: *mut c_void,
        callback: OnAccess,
        flags: c_int,
        which: c_int,
        data: *mut c_void,
    );
    fn qemu_plugin_mem_is_store(info: u32) -> bool;
    fn qemu_plugin_scoreboard_new(element: usize) -> *mut c_void;
    fn qemu_plugin_u64_set(word: ScoreboardWord, processor: c_uint, value: u64);
}

/// Whether what is not marked is counted: translated code tests it before it calls.
#[derive(Clone, Copy)]
pub(crate) struct Switch(ScoreboardWord);

// SAFETY: QEMU's functions may be called from any thread of a callback.
unsafe impl Send for Switch {}

impl Switch {
    fn new() -> Self {
        Self(ScoreboardWord {
            // SAFETY: while the plugin is installed.
            scoreboard: unsafe { qemu_plugin_scoreboard_new(size_of::<u64>()) },
            offset: 0,
        })
    }

    /// On the machine's first and only processor.
    pub(crate) fn set(self, on: bool) {
        // SAFETY: the scoreboard lives as long as the plugin.
        unsafe { qemu_plugin_u64_set(self.0, 0, u64::from(on)) }
    }
}

/// An instruction that is being translated.
pub(crate) struct Instruction(NonNull<c_void>);

/// As QEMU keeps it.
fn data(known: &'static Known) -> *mut c_void {
    (&raw const *known).cast_mut().cast()
}

/// As QEMU hands it back.
fn known(data: *mut c_void) -> &'static Known {
    // SAFETY: from `data`, and nobody writes it.
    unsafe { &*data.cast_const().cast() }
}

impl Instruction {
    pub(crate) fn address(&self) -> u64 {
        // SAFETY: during translation it is valid; so in all methods here.
        unsafe { qemu_plugin_insn_vaddr(self.0.as_ptr()) }
    }

    /// Tells of each execution.
    pub(crate) fn always(&self, known: &'static Known) {
        // SAFETY: as above.
        unsafe {
            qemu_plugin_register_vcpu_insn_exec_cb(
                self.0.as_ptr(),
                executed,
                NO_REGISTERS,
                data(known),
            );
        }
    }

    /// Tells of each execution while the switch is on.
    pub(crate) fn while_on(&self, switch: Switch, known: &'static Known) {
        // SAFETY: as above.
        unsafe {
            qemu_plugin_register_vcpu_insn_exec_cond_cb(
                self.0.as_ptr(),
                executed,
                NO_REGISTERS,
                NOT_EQUAL,
                switch.0,
                0,
                data(known),
            );
        }
    }

    /// Tells of each access to memory.
    pub(crate) fn on_access(&self, known: &'static Known) {
        // SAFETY: as above.
        unsafe {
            qemu_plugin_register_vcpu_mem_cb(
                self.0.as_ptr(),
                accessed,
                NO_REGISTERS,
                READ_WRITE,
                data(known),
            );
        }
    }
}

extern "C" fn executed(_: c_uint, data: *mut c_void) {
    counting::executed(known(data));
}

extern "C" fn accessed(_: c_uint, info: u32, address: u64, data: *mut c_void) {
    // SAFETY: `info` is what QEMU has just given.
    let is_store = unsafe { qemu_plugin_mem_is_store(info) };
    counting::accessed(known(data), address, is_store);
}

extern "C" fn translated(_: u64, block: *mut c_void) {
    // SAFETY: the block is being translated.
    let count = unsafe { qemu_plugin_tb_n_insns(block) };
    for index in 0..count {
        // SAFETY: as before; the index is below the count.
        let instruction = unsafe { qemu_plugin_tb_get_insn(block, index) };
        if let Some(instruction) = NonNull::new(instruction) {
            counting::translated(&Instruction(instruction));
        }
    }
}

/// QEMU's way in. Refuses with 1, and says why on standard error.
#[unsafe(no_mangle)]
extern "C" fn qemu_plugin_install(
    id: u64,
    _info: *const c_void,
    count: c_int,
    words: *const *const c_char,
) -> c_int {
    let count = usize::try_from(count).unwrap_or(0);
    let words: &[*const c_char] = match count {
        0 => &[],
        // SAFETY: QEMU gives so many words.
        _ => unsafe { std::slice::from_raw_parts(words, count) },
    };
    let words = words.iter().map(|&word| {
        // SAFETY: each of them is a string that lives during this call.
        unsafe { CStr::from_ptr(word) }.to_str().unwrap_or_default()
    });
    let outcome = Options::read(words).and_then(|options| {
        counting::begin(options, Switch::new()).map_err(|error| error.to_string())
    });
    if let Err(why) = outcome {
        eprintln!("linchpin-plugin: {why}");
        return 1;
    }
    // SAFETY: the identifier is ours.
    unsafe { qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
    0
}
