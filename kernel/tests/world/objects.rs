//! How the root task makes and arranges things: each function is one invocation, or the few
//! that belong together.

use super::calls::Answer;
use super::{BUDGET_US, CPtr, PRIORITY, Thread, World, arch};
use abi::bootinfo::{BootInfo, slot};
use abi::cnode::CNodeCapData;
use abi::rights::CapRights;
use abi::{Invocation, OBJECT_TYPES, ObjectType, Word};
use kernel::cap::Cap;
use machine::PhysicalAddress;

/// The root task's CNode, as its own capability.
pub(crate) const CNODE: CPtr = CPtr(slot::INIT_CNODE as Word);
/// The root task's address space.
pub(crate) const VSPACE: CPtr = CPtr(slot::INIT_VSPACE as Word);
/// The root task's own thread.
pub(crate) const TCB: CPtr = CPtr(slot::INIT_TCB as Word);
/// Depth at which an address in the shared CSpace names a slot.
pub(crate) const DEPTH: Word = 64;

impl World {
    /// A slot that is empty.
    pub(crate) fn free_slot(&mut self) -> CPtr {
        self.free_slots(1)
    }

    /// The first of `count` empty slots in a row.
    pub(crate) fn free_slots(&mut self, count: Word) -> CPtr {
        let slot = CPtr(self.next_slot);
        self.next_slot += count;
        slot
    }

    /// Invokes as the root task.
    pub(crate) fn root_invokes(
        &mut self,
        cap: CPtr,
        what: Invocation,
        words: &[Word],
        caps: &[CPtr],
    ) -> Answer {
        self.as_root(|w| w.invoke(w.root(), cap, what, words, caps))
    }

    fn must(&mut self, cap: CPtr, what: Invocation, words: &[Word], caps: &[CPtr]) -> Vec<Word> {
        self.root_invokes(cap, what, words, caps)
            .unwrap_or_else(|e| panic!("{what:?} on {cap:?} with {words:?} {caps:?}: {e:?}"))
    }

    // --- Untyped memory --------------------------------------------------------------

    /// Retype into the root CNode.
    pub(crate) fn try_retype(
        &mut self,
        untyped: CPtr,
        object: ObjectType,
        size_bits: Word,
        at: CPtr,
        count: Word,
    ) -> Answer {
        let number = OBJECT_TYPES
            .number(object)
            .expect("this build has the type");
        let words = [number, size_bits, 0, 0, at.0, count];
        self.root_invokes(untyped, Invocation::UntypedRetype, &words, &[CNODE])
    }

    /// A new object from the world's untyped.
    pub(crate) fn object(&mut self, object: ObjectType, size_bits: Word) -> CPtr {
        let (untyped, at) = (self.untyped, self.free_slot());
        self.try_retype(untyped, object, size_bits, at, 1)
            .unwrap_or_else(|e| panic!("no {object:?} of size {size_bits}: {e:?}"));
        at
    }

    /// A new untyped of `2^bits` bytes.
    pub(crate) fn untyped(&mut self, bits: Word) -> CPtr {
        self.object(ObjectType::Untyped, bits)
    }

    /// An endpoint.
    pub(crate) fn endpoint(&mut self) -> CPtr {
        self.object(ObjectType::Endpoint, 0)
    }

    /// A notification.
    pub(crate) fn notification(&mut self) -> CPtr {
        self.object(ObjectType::Notification, 0)
    }

    /// A reply object.
    pub(crate) fn reply_object(&mut self) -> CPtr {
        self.object(ObjectType::Reply, 0)
    }

    /// A CNode with `2^radix` slots.
    pub(crate) fn cnode(&mut self, radix: Word) -> CPtr {
        self.object(ObjectType::CNode, radix)
    }

    /// A frame of 4 KiB.
    pub(crate) fn frame(&mut self) -> CPtr {
        self.object(arch::SMALL_PAGE, 0)
    }

    /// Where a frame is in physical memory.
    pub(crate) fn frame_address(&self, frame: CPtr) -> PhysicalAddress {
        match self.cap(frame) {
            Cap::Frame(frame) => frame.base,
            other => panic!("{frame:?} is {other:?}"),
        }
    }

    // --- Capabilities ----------------------------------------------------------------

    /// Copy with rights.
    pub(crate) fn copy(&mut self, from: CPtr, rights: CapRights) -> CPtr {
        let to = self.free_slot();
        let words = [to.0, DEPTH, from.0, DEPTH, rights.0];
        self.must(CNODE, Invocation::CNodeCopy, &words, &[CNODE]);
        to
    }

    /// Mint with rights and a badge.
    pub(crate) fn mint(&mut self, from: CPtr, rights: CapRights, badge: Word) -> CPtr {
        let to = self.free_slot();
        self.try_mint(from, to, rights, badge).expect("mint");
        to
    }

    /// Mint, which may fail.
    pub(crate) fn try_mint(
        &mut self,
        from: CPtr,
        to: CPtr,
        rights: CapRights,
        badge: Word,
    ) -> Answer {
        let words = [to.0, DEPTH, from.0, DEPTH, rights.0, badge];
        self.root_invokes(CNODE, Invocation::CNodeMint, &words, &[CNODE])
    }

    /// An all-rights copy with a badge.
    pub(crate) fn badged(&mut self, from: CPtr, badge: Word) -> CPtr {
        self.mint(from, CapRights::ALL, badge)
    }

    /// Delete.
    pub(crate) fn delete(&mut self, cap: CPtr) {
        self.must(CNODE, Invocation::CNodeDelete, &[cap.0, DEPTH], &[]);
    }

    /// Revoke.
    pub(crate) fn revoke(&mut self, cap: CPtr) {
        self.must(CNODE, Invocation::CNodeRevoke, &[cap.0, DEPTH], &[]);
    }

    /// Move to another slot of the root CNode.
    pub(crate) fn move_cap(&mut self, from: CPtr, to: CPtr) {
        let words = [to.0, DEPTH, from.0, DEPTH];
        self.must(CNODE, Invocation::CNodeMove, &words, &[CNODE]);
    }

    /// Move into slot `index` of the CNode `node` of `2^radix` slots.
    pub(crate) fn move_into(&mut self, from: CPtr, node: CPtr, index: Word, radix: Word) {
        let words = [index, radix, from.0, DEPTH];
        self.must(node, Invocation::CNodeMove, &words, &[CNODE]);
    }

    /// Copy into slot `index` of the CNode `node` of `2^radix` slots.
    pub(crate) fn copy_into(&mut self, from: CPtr, node: CPtr, index: Word, radix: Word) {
        let words = [index, radix, from.0, DEPTH, CapRights::ALL.0];
        self.must(node, Invocation::CNodeCopy, &words, &[CNODE]);
    }

    /// Rotate without changing badges or guards: `pivot` to `to`, `source` to `pivot`.
    pub(crate) fn rotate(&mut self, to: CPtr, pivot: CPtr, source: CPtr) -> Answer {
        let words = [to.0, DEPTH, 0, pivot.0, DEPTH, 0, source.0, DEPTH];
        self.root_invokes(CNODE, Invocation::CNodeRotate, &words, &[CNODE, CNODE])
    }

    /// CNode_CancelBadgedSends.
    pub(crate) fn cancel_badged_sends(&mut self, cap: CPtr) -> Answer {
        self.root_invokes(
            CNODE,
            Invocation::CNodeCancelBadgedSends,
            &[cap.0, DEPTH],
            &[],
        )
    }

    // --- Threads ---------------------------------------------------------------------

    /// A thread that is ready to run: shared CSpace and address space, an IPC buffer, and time.
    pub(crate) fn thread(&mut self) -> Thread {
        self.thread_at(PRIORITY)
    }

    /// The same with a priority.
    pub(crate) fn thread_at(&mut self, priority: Word) -> Thread {
        let thread = self.passive_thread(priority);
        let sc = self.sched_context(BUDGET_US, BUDGET_US);
        self.bind(sc, thread.tcb);
        self.resume(thread);
        Thread { sc, ..thread }
    }

    /// A thread that is configured but neither started nor given time.
    pub(crate) fn passive_thread(&mut self, priority: Word) -> Thread {
        let tcb = self.object(ObjectType::Tcb, 0);
        let frame = self.frame();
        self.configure(tcb, CNODE, 0, frame);
        self.set_priority(tcb, priority);
        self.set_mcp(tcb, priority);
        let Cap::Tcb(object) = self.cap(tcb) else {
            panic!("a TCB")
        };
        let buffer = Some(self.frame_address(frame));
        Thread {
            tcb,
            sc: CPtr::NULL,
            object,
            buffer,
        }
    }

    /// A thread that has received on `endpoint` with `reply` and then lost its time: from now on
    /// it runs on the time of its clients.
    pub(crate) fn passive_server(&mut self, endpoint: CPtr, reply: CPtr) -> Thread {
        let server = self.thread();
        self.recv(server, endpoint, reply);
        self.unbind(server.sc, server.tcb);
        Thread {
            sc: CPtr::NULL,
            ..server
        }
    }

    /// Two threads of the same priority.
    pub(crate) fn pair(&mut self) -> (Thread, Thread) {
        (self.thread(), self.thread())
    }

    /// TCB_Configure, with the root task's address space.
    pub(crate) fn configure(&mut self, tcb: CPtr, cspace: CPtr, guard: Word, buffer: CPtr) {
        let words = [guard, 0, 0x10_0000];
        self.must(
            tcb,
            Invocation::TcbConfigure,
            &words,
            &[cspace, VSPACE, buffer],
        );
    }

    /// TCB_SetSpace with a CNode of `2^radix` slots, whose guard makes its addresses 64 bits long.
    pub(crate) fn set_cspace(
        &mut self,
        thread: Thread,
        cnode: CPtr,
        radix: Word,
        fault_handler: CPtr,
    ) {
        let guard = CNodeCapData::new(0, (64 - radix) as _).0;
        let caps = [fault_handler, cnode, VSPACE];
        self.must(thread.tcb, Invocation::TcbSetSpace, &[guard, 0], &caps);
    }

    /// TCB_SetIPCBuffer: none.
    pub(crate) fn remove_buffer(&mut self, thread: Thread) {
        let any_frame = self.frame();
        self.must(thread.tcb, Invocation::TcbSetIpcBuffer, &[0], &[any_frame]);
    }

    /// TCB_SetSpace with a CNode whose guard is `guard`.
    pub(crate) fn set_cspace_with_guard(&mut self, thread: Thread, cnode: CPtr, guard: Word) {
        let caps = [CPtr::NULL, cnode, VSPACE];
        self.must(thread.tcb, Invocation::TcbSetSpace, &[guard, 0], &caps);
    }

    /// TCB_SetSchedParams: only the fault handler changes, for a thread of [`World::thread`].
    pub(crate) fn set_fault_handler_only(&mut self, thread: Thread, handler: CPtr) {
        let caps = [TCB, thread.sc, handler];
        self.must(
            thread.tcb,
            Invocation::TcbSetSchedParams,
            &[PRIORITY, PRIORITY],
            &caps,
        );
    }

    /// TCB_SetPriority with the root task's authority.
    pub(crate) fn set_priority(&mut self, tcb: CPtr, priority: Word) {
        self.must(tcb, Invocation::TcbSetPriority, &[priority], &[TCB]);
    }

    /// TCB_SetMCPriority with the root task's authority.
    pub(crate) fn set_mcp(&mut self, tcb: CPtr, priority: Word) {
        self.must(tcb, Invocation::TcbSetMcPriority, &[priority], &[TCB]);
    }

    /// TCB_SetSpace: only the fault handler changes.
    pub(crate) fn set_fault_handler(&mut self, thread: Thread, handler: CPtr) {
        let caps = [handler, CNODE, VSPACE];
        self.must(thread.tcb, Invocation::TcbSetSpace, &[0, 0], &caps);
    }

    /// TCB_SetTimeoutEndpoint.
    pub(crate) fn set_timeout_handler(&mut self, thread: Thread, handler: CPtr) {
        self.must(
            thread.tcb,
            Invocation::TcbSetTimeoutEndpoint,
            &[],
            &[handler],
        );
    }

    /// TCB_Resume.
    pub(crate) fn resume(&mut self, thread: Thread) {
        self.must(thread.tcb, Invocation::TcbResume, &[], &[]);
    }

    /// TCB_Suspend.
    pub(crate) fn suspend(&mut self, thread: Thread) {
        self.must(thread.tcb, Invocation::TcbSuspend, &[], &[]);
    }

    /// TCB_BindNotification.
    pub(crate) fn bind_notification(&mut self, thread: Thread, notification: CPtr) {
        self.must(
            thread.tcb,
            Invocation::TcbBindNotification,
            &[],
            &[notification],
        );
    }

    /// TCB_UnbindNotification.
    pub(crate) fn unbind_notification(&mut self, thread: Thread) {
        self.must(thread.tcb, Invocation::TcbUnbindNotification, &[], &[]);
    }

    // --- Time ------------------------------------------------------------------------

    /// A scheduling context with time, bound to nothing.
    pub(crate) fn sched_context(&mut self, budget_us: Word, period_us: Word) -> CPtr {
        let sc = self.object(ObjectType::SchedContext, 8);
        self.sched_configure(sc, budget_us, period_us);
        sc
    }

    /// SchedControl_ConfigureFlags without extra refills, badge or flags.
    pub(crate) fn sched_configure(&mut self, sc: CPtr, budget_us: Word, period_us: Word) {
        self.try_sched_configure(sc, &[budget_us, period_us, 0, 0, 0])
            .expect("ConfigureFlags");
    }

    /// SchedControl_ConfigureFlags.
    pub(crate) fn try_sched_configure(&mut self, sc: CPtr, words: &[Word]) -> Answer {
        let control = self.sched_control();
        self.root_invokes(
            control,
            Invocation::SchedControlConfigureFlags,
            words,
            &[sc],
        )
    }

    /// The SchedControl capability of the first core.
    pub(crate) fn sched_control(&mut self) -> CPtr {
        CPtr(self.boot_info().sched_control.start)
    }

    /// SchedContext_Bind.
    pub(crate) fn bind(&mut self, sc: CPtr, object: CPtr) {
        self.must(sc, Invocation::SchedContextBind, &[], &[object]);
    }

    /// SchedContext_UnbindObject.
    pub(crate) fn unbind(&mut self, sc: CPtr, object: CPtr) {
        self.must(sc, Invocation::SchedContextUnbindObject, &[], &[object]);
    }

    // --- What the root task was given -------------------------------------------------

    /// The largest untyped of RAM.
    pub(crate) fn largest_untyped(&self, info: &BootInfo) -> CPtr {
        let untypeds = info
            .untyped_list
            .iter()
            .zip(info.untyped.start..info.untyped.end);
        let ram = untypeds.filter(|(untyped, _)| untyped.is_device == 0);
        let largest =
            ram.max_by_key(|(untyped, slot)| (untyped.size_bits, core::cmp::Reverse(*slot)));
        largest.map(|(_, slot)| CPtr(slot)).expect("untyped memory")
    }

    /// An untyped of device memory of at least `2^bits` bytes, if there is one.
    pub(crate) fn device_untyped(&self, bits: u8) -> Option<CPtr> {
        let info = self.boot_info();
        let mut untypeds = info
            .untyped_list
            .iter()
            .zip(info.untyped.start..info.untyped.end);
        let found =
            untypeds.find(|(untyped, _)| untyped.is_device != 0 && untyped.size_bits >= bits)?;
        Some(CPtr(found.1))
    }

    // --- Interrupts ------------------------------------------------------------------

    /// A handler for the `n`-th line.
    pub(crate) fn irq_handler(&mut self, n: u16) -> CPtr {
        let at = self.free_slot();
        let (invocation, words) = arch::issue_handler(n, at.0, DEPTH);
        let control = CPtr(slot::IRQ_CONTROL as Word);
        self.must(control, invocation, &words, &[CNODE]);
        at
    }

    /// IRQHandler_SetNotification.
    pub(crate) fn set_irq_notification(&mut self, handler: CPtr, notification: CPtr) {
        self.must(handler, Invocation::IrqSetIrqHandler, &[], &[notification]);
    }

    /// IRQHandler_Ack.
    pub(crate) fn ack_irq(&mut self, handler: CPtr) {
        self.must(handler, Invocation::IrqAckIrq, &[], &[]);
    }
}
