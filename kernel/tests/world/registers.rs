//! Registers by what they are for, on any ISA.

use super::{AFTER_SYSCALL, CPtr, SYSCALL_AT, Thread, World};
use abi::{MessageInfo, Word};
use kernel::isa::Context;
use kernel::object::store::Ref;
use kernel::object::tcb::Tcb;

#[cfg(isa = "aarch64")]
use abi::aarch64 as names;
#[cfg(isa = "riscv64")]
use abi::riscv64 as names;
#[cfg(isa = "x86_64")]
use abi::x86_64 as names;

pub(crate) use names::SYSCALL_BYTES;

impl World {
    /// The thread's registers.
    pub(crate) fn registers(&self, thread: Thread) -> Context {
        self.k[thread.object.context()]
    }

    /// The thread's registers, to be changed by the thread.
    pub(crate) fn registers_mut(&mut self, thread: Thread) -> &mut Context {
        &mut self.k[thread.object.context()]
    }

    fn write(&mut self, thread: Thread, register: usize, value: Word) {
        self.registers_mut(thread).write_register(register, value);
    }

    /// The badge that the last call of `thread` returned.
    pub(crate) fn badge(&self, thread: Thread) -> Word {
        self.registers(thread).register(names::CAP_REGISTER)
    }

    /// What `thread` finds in the register of the message's description.
    pub(crate) fn info(&self, thread: Thread) -> MessageInfo {
        MessageInfo(self.registers(thread).register(names::MSG_INFO_REGISTER))
    }

    /// Message register `n`.
    pub(crate) fn message_register(&self, thread: Thread, n: usize) -> Word {
        self.registers(thread).register(names::MESSAGE_REGISTERS[n])
    }

    /// Where `thread` is in its program.
    pub(crate) fn ip(&self, thread: Thread) -> Word {
        self.registers(thread).next_ip()
    }

    /// `thread` writes the register of the invoked capability.
    pub(crate) fn set_cap(&mut self, thread: Thread, cap: CPtr) {
        self.write(thread, names::CAP_REGISTER, cap.0);
    }

    /// `thread` describes its message.
    pub(crate) fn set_info(&mut self, thread: Thread, info: MessageInfo) {
        self.write(thread, names::MSG_INFO_REGISTER, info.0);
    }

    /// `thread` writes message register `n`.
    pub(crate) fn set_message_register(&mut self, thread: Thread, n: usize, word: Word) {
        self.write(thread, names::MESSAGE_REGISTERS[n], word);
    }

    /// `thread` writes the register of the reply capability.
    pub(crate) fn set_reply(&mut self, thread: Thread, reply: CPtr) {
        self.write(thread, names::REPLY_REGISTER, reply.0);
    }

    /// `thread` writes the register that says where NBSendRecv sends to.
    pub(crate) fn set_destination(&mut self, thread: Thread, to: CPtr) {
        self.write(thread, names::NB_SEND_DEST_REGISTER, to.0);
    }

    /// `thread` is at its one instruction, which is to be the system call `number`.
    pub(crate) fn set_syscall(&mut self, thread: Thread, number: i64) {
        self.write(thread, names::SYSCALL_NUMBER, number as Word);
        self.registers_mut(thread).next_ip = SYSCALL_AT;
    }

    /// `thread` has what it had in the register of system call numbers.
    pub(super) fn restore_syscall_number(&mut self, thread: Thread, number: i64) {
        self.write(thread, names::SYSCALL_NUMBER, number as Word);
    }

    /// `thread` is somewhere else in its program.
    pub(crate) fn set_ip(&mut self, thread: Thread, ip: Word) {
        let context = self.registers_mut(thread);
        context.next_ip = ip;
        context.fault_ip = ip;
    }

    /// A stopped thread will not make its last system call again when it is resumed.
    pub(crate) fn move_past_syscall(&mut self, thread: Thread) {
        self.set_ip(thread, AFTER_SYSCALL);
    }

    /// The number of the system call that `thread` is about to make.
    pub(super) fn syscall_number(&self, thread: Ref<Tcb>) -> i64 {
        self.k[thread.context()].register(names::SYSCALL_NUMBER) as i64
    }
}

/// What the processor and the entry stub do for the instruction at [`SYSCALL_AT`].
pub(super) fn enter_by_syscall(context: &mut Context) {
    context.fault_ip = SYSCALL_AT;
    context.next_ip = AFTER_SYSCALL;
    mark_fast_return(context);
}

#[cfg(isa = "x86_64")]
fn mark_fast_return(context: &mut Context) {
    context.fast_return = 1;
}

#[cfg(not(isa = "x86_64"))]
fn mark_fast_return(_: &mut Context) {}
