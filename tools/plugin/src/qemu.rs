//! QEMU's plugin interface, version 4: the part of it that is used here.

use crate::counting::{self, Known};
use crate::options::Options;
use crate::paths::{self, Told};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::NonNull;

/// What QEMU looks for first.
#[unsafe(no_mangle)]
static qemu_plugin_version: c_int = 4;

/// Callbacks that do not look at registers, and those that do.
const NO_REGISTERS: c_int = 0;
const READ_REGISTERS: c_int = 1;
/// Reads and writes.
const READ_WRITE: c_int = 3;
/// A condition: not equal.
const NOT_EQUAL: c_int = 3;
/// What translated code does with a word by itself: add.
const ADD: c_int = 0;
/// The longest instruction of any machine.
const INSTRUCTION_BYTES: usize = 16;

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

/// What a GLib array and a GLib byte array begin with.
#[derive(Clone, Copy)]
#[repr(C)]
struct Array {
    data: *mut c_void,
    length: c_uint,
}

/// What the description of a register begins with.
#[derive(Clone, Copy)]
#[repr(C)]
struct Description {
    handle: *mut c_void,
    name: *const c_char,
}

// SAFETY: the signatures are those of GLib's headers, which QEMU is linked with.
unsafe extern "C" {
    fn g_array_get_element_size(array: *mut Array) -> c_uint;
    fn g_array_free(array: *mut Array, with_elements: c_int) -> *mut c_char;
    fn g_byte_array_new() -> *mut Array;
    fn g_byte_array_free(array: *mut Array, with_bytes: c_int) -> *mut u8;
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
    fn qemu_plugin_u64_get(word: ScoreboardWord, processor: c_uint) -> u64;
    fn qemu_plugin_tb_vaddr(block: *const c_void) -> u64;
    fn qemu_plugin_insn_data(
        instruction: *const c_void,
        bytes: *mut c_void,
        length: usize,
    ) -> usize;
    fn qemu_plugin_register_vcpu_tb_exec_cb(
        block: *mut c_void,
        callback: OnExecution,
        flags: c_int,
        data: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_tb_exec_cond_cb(
        block: *mut c_void,
        callback: OnExecution,
        flags: c_int,
        condition: c_int,
        word: ScoreboardWord,
        value: u64,
        data: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
        instruction: *mut c_void,
        operation: c_int,
        word: ScoreboardWord,
        value: u64,
    );
    fn qemu_plugin_get_registers() -> *mut Array;
    fn qemu_plugin_read_register(handle: *mut c_void, bytes: *mut Array) -> c_int;
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

/// Counts what is executed; translated code does it by itself.
#[derive(Clone, Copy)]
pub(crate) struct Counter(Switch);

impl Counter {
    /// On the machine's first and only processor.
    pub(crate) fn value(self) -> u64 {
        // SAFETY: the scoreboard lives as long as the plugin.
        unsafe { qemu_plugin_u64_get(self.0.0, 0) }
    }
}

/// A register of the processor. Only who is told when that can be done may read one.
#[derive(Clone, Copy)]
pub(crate) struct Register(NonNull<c_void>);

impl Register {
    /// By the name that QEMU's debugger interface gives it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        // SAFETY: in a callback on the processor, as all that is told.
        let list = unsafe { qemu_plugin_get_registers() };
        // SAFETY: the array is ours, and lives until it is freed below.
        let Array { data, length } = unsafe { list.read() };
        // SAFETY: as before.
        let size = unsafe { g_array_get_element_size(list) } as usize;
        let found = (0..length as usize).find_map(|index| {
            let element = data.wrapping_byte_add(index * size).cast::<Description>();
            // SAFETY: the index is below the length; each element begins with a description.
            let Description { handle, name: its } = unsafe { element.read() };
            // SAFETY: names live as long as QEMU.
            let its = unsafe { CStr::from_ptr(its) };
            (its.to_bytes() == name.as_bytes()).then(|| NonNull::new(handle))?
        });
        // SAFETY: nothing in it is used any more.
        unsafe { g_array_free(list, 1) };
        found.map(Self)
    }

    /// Its first eight bytes, which the machines here keep in little-endian order.
    pub(crate) fn value(self) -> u64 {
        // SAFETY: GLib has this function.
        let bytes = unsafe { g_byte_array_new() };
        // SAFETY: the handle is QEMU's, and the array is ours.
        let length = unsafe { qemu_plugin_read_register(self.0.as_ptr(), bytes) };
        let length = usize::try_from(length).unwrap_or(0).min(size_of::<u64>());
        let mut word = [0; size_of::<u64>()];
        // SAFETY: it lives until it is freed below.
        let Array { data, .. } = unsafe { bytes.read() };
        // SAFETY: so many bytes were written there.
        let read = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) };
        word[..length].copy_from_slice(read);
        // SAFETY: nobody uses it any more.
        unsafe { g_byte_array_free(bytes, 1) };
        u64::from_le_bytes(word)
    }
}

/// A block that is being translated.
pub(crate) struct Block(*mut c_void);

impl Block {
    pub(crate) fn address(&self) -> u64 {
        // SAFETY: during translation it is valid; so in all methods here.
        unsafe { qemu_plugin_tb_vaddr(self.0) }
    }

    pub(crate) fn instructions(&self) -> impl Iterator<Item = Instruction> {
        // SAFETY: as above.
        let count = unsafe { qemu_plugin_tb_n_insns(self.0) };
        (0..count).filter_map(|index| {
            // SAFETY: as above; the index is below the count.
            let instruction = unsafe { qemu_plugin_tb_get_insn(self.0, index) };
            NonNull::new(instruction).map(Instruction)
        })
    }

    /// Tells of each execution.
    pub(crate) fn tell(&self, what: &'static Told) {
        self.tell_with(NO_REGISTERS, what);
    }

    /// Tells of each execution, when registers can be read.
    pub(crate) fn tell_with_registers(&self, what: &'static Told) {
        self.tell_with(READ_REGISTERS, what);
    }

    fn tell_with(&self, flags: c_int, what: &'static Told) {
        // SAFETY: as above.
        unsafe { qemu_plugin_register_vcpu_tb_exec_cb(self.0, tell, flags, data(what)) };
    }

    /// Tells of each execution while the switch is on.
    pub(crate) fn tell_while_on(&self, switch: Switch, what: &'static Told) {
        // SAFETY: as above.
        unsafe {
            qemu_plugin_register_vcpu_tb_exec_cond_cb(
                self.0,
                tell,
                NO_REGISTERS,
                NOT_EQUAL,
                switch.0,
                0,
                data(what),
            );
        }
    }
}

/// An instruction that is being translated.
pub(crate) struct Instruction(NonNull<c_void>);

/// As QEMU keeps it.
fn data<T>(known: &'static T) -> *mut c_void {
    (&raw const *known).cast_mut().cast()
}

/// As QEMU hands it back.
///
/// # Safety
///
/// It is from [`data`] of the same type.
unsafe fn known<T>(data: *mut c_void) -> &'static T {
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

    /// Its bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; INSTRUCTION_BYTES];
        let room = bytes.as_mut_ptr().cast();
        // SAFETY: as above; there is so much room.
        let length = unsafe { qemu_plugin_insn_data(self.0.as_ptr(), room, INSTRUCTION_BYTES) };
        bytes.truncate(length);
        bytes
    }

    /// Tells of each execution, when registers can be read.
    pub(crate) fn tell(&self, what: &'static Told) {
        // SAFETY: as above.
        unsafe {
            qemu_plugin_register_vcpu_insn_exec_cb(
                self.0.as_ptr(),
                tell,
                READ_REGISTERS,
                data(what),
            );
        }
    }

    /// Counts each execution.
    pub(crate) fn count(&self, counter: Counter) {
        let word = counter.0.0;
        // SAFETY: as above.
        unsafe {
            qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(self.0.as_ptr(), ADD, word, 1);
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
    // SAFETY: it was registered with what is known.
    counting::executed(unsafe { known::<Known>(data) });
}

extern "C" fn tell(_: c_uint, data: *mut c_void) {
    // SAFETY: it was registered with what is told.
    paths::told(unsafe { known::<Told>(data) });
}

extern "C" fn accessed(_: c_uint, info: u32, address: u64, data: *mut c_void) {
    // SAFETY: `info` is what QEMU has just given.
    let is_store = unsafe { qemu_plugin_mem_is_store(info) };
    // SAFETY: it was registered with what is known.
    let known = unsafe { known::<Known>(data) };
    counting::accessed(known, address, is_store);
}

extern "C" fn translated(_: u64, block: *mut c_void) {
    let block = Block(block);
    if !paths::translated(&block) {
        for instruction in block.instructions() {
            counting::translated(&instruction);
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
    let outcome = Options::read(words).and_then(|mut options| match options.paths.take() {
        Some(paths) => {
            paths::begin(options, paths, Counter(Switch::new()), Switch::new());
            Ok(())
        }
        None => counting::begin(options, Switch::new()).map_err(|error| error.to_string()),
    });
    if let Err(why) = outcome {
        eprintln!("linchpin-plugin: {why}");
        return 1;
    }
    // SAFETY: the identifier is ours.
    unsafe { qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
    0
}
