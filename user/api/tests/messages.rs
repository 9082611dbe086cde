//! What each kind of call puts into registers and IPC buffer, seen by a kernel that only records.

use abi::syscall::Syscall;
use abi::{ErrorCode, FaultType, Invocation, MessageInfo, ObjectType, Word};
use linchpin_user_api::sys::Exit;
use linchpin_user_api::sys::mock::{Recorded, answer, take_record};
use linchpin_user_api::{
    Budget, CNode, CPtr, CapRights, Endpoint, Error, Fault, LookupFailure, Message, Reply,
    SchedContext, SchedControl, SlotWindow, Tcb, Untyped, ipc_buffer, isa, syscalls,
};

fn only_entry() -> Recorded {
    let record = take_record();
    assert_eq!(record.len(), 1, "{record:?}");
    record[0]
}

fn reply(label: Word, words: &[Word]) -> Exit {
    let mut registers = [0; 4];
    for (index, &word) in words.iter().enumerate() {
        match registers.get_mut(index) {
            Some(register) => *register = word,
            None => ipc_buffer::set_word(index, word),
        }
    }
    Exit {
        badge: 0,
        info: MessageInfo::new(label, 0, 0, words.len()).0,
        words: registers,
    }
}

#[test]
fn retype_sends_its_six_words_and_the_root() {
    let window = SlotWindow {
        root: CNode::new(2),
        node_index: 7,
        node_depth: 6,
        offset: 40,
        count: 3,
    };
    assert_eq!(
        Untyped::new(99).retype(ObjectType::SchedContext, 8, window),
        Ok(())
    );
    let Recorded { number, entry } = only_entry();
    assert_eq!((number, entry.cap), (Syscall::Call.number(), 99));
    let label = abi::LABELS
        .label(Invocation::UntypedRetype)
        .expect("always there");
    assert_eq!(entry.info, MessageInfo::new(label, 0, 1, 6).0);
    let number = abi::OBJECT_TYPES
        .number(ObjectType::SchedContext)
        .expect("always there");
    assert_eq!(entry.words, [number, 8, 7, 6]);
    assert_eq!(
        [
            ipc_buffer::word(4),
            ipc_buffer::word(5),
            ipc_buffer::badge(0)
        ],
        [40, 3, 2]
    );
}

#[test]
fn mint_names_destination_source_rights_and_badge() {
    let node = CNode::new(2);
    let _ = node
        .absolute(10)
        .mint_from(node.slot(11, 12), CapRights::WRITE, 0xbad);
    let entry = only_entry().entry;
    assert_eq!(entry.words, [10, 64, 11, 12]);
    assert_eq!([ipc_buffer::word(4), ipc_buffer::word(5)], [1, 0xbad]);
}

#[test]
fn configure_flags_are_five_words() {
    let budget = Budget {
        sporadic: true,
        badge: 5,
        extra_refills: 2,
        ..Budget::new(10, 20)
    };
    assert_eq!(
        SchedControl::new(16).configure(SchedContext::new(30), budget),
        Ok(())
    );
    let entry = only_entry().entry;
    assert_eq!(entry.words, [10, 20, 2, 5]);
    assert_eq!((ipc_buffer::word(4), ipc_buffer::badge(0)), (1, 30));
}

#[test]
fn every_error_is_decoded_with_its_words() {
    let lookup = |source, failure| Error::FailedLookup { source, failure };
    let cases: [(ErrorCode, &[Word], Error); 14] = [
        (
            ErrorCode::InvalidArgument,
            &[3],
            Error::InvalidArgument { which: 3 },
        ),
        (
            ErrorCode::InvalidCapability,
            &[1],
            Error::InvalidCapability { which: 1 },
        ),
        (ErrorCode::IllegalOperation, &[], Error::IllegalOperation),
        (
            ErrorCode::RangeError,
            &[1, 64],
            Error::RangeError { min: 1, max: 64 },
        ),
        (ErrorCode::AlignmentError, &[], Error::AlignmentError),
        (
            ErrorCode::FailedLookup,
            &[1, 1],
            lookup(true, LookupFailure::InvalidRoot),
        ),
        (
            ErrorCode::FailedLookup,
            &[0, 2, 21],
            lookup(false, LookupFailure::MissingCapability { bits_left: 21 }),
        ),
        (
            ErrorCode::FailedLookup,
            &[0, 3, 4, 9],
            lookup(
                false,
                LookupFailure::DepthMismatch {
                    bits_left: 4,
                    bits_found: 9,
                },
            ),
        ),
        (
            ErrorCode::FailedLookup,
            &[0, 4, 10, 7, 51],
            lookup(
                false,
                LookupFailure::GuardMismatch {
                    bits_left: 10,
                    guard_found: 7,
                    bits_found: 51,
                },
            ),
        ),
        (
            ErrorCode::FailedLookup,
            &[0, 77],
            lookup(false, LookupFailure::Unknown { kind: 77 }),
        ),
        (ErrorCode::TruncatedMessage, &[], Error::TruncatedMessage),
        (ErrorCode::DeleteFirst, &[], Error::DeleteFirst),
        (ErrorCode::RevokeFirst, &[], Error::RevokeFirst),
        (
            ErrorCode::NotEnoughMemory,
            &[4096],
            Error::NotEnoughMemory { available: 4096 },
        ),
    ];
    for (code, words, error) in cases {
        answer(reply(code.number(), words));
        assert_eq!(Tcb::new(1).suspend(), Err(error));
    }
    answer(reply(99, &[]));
    assert_eq!(Tcb::new(1).suspend(), Err(Error::Unknown { label: 99 }));
}

#[test]
fn words_beyond_the_reply_are_not_read() {
    ipc_buffer::set_word(4, 0xdead);
    answer(reply(ErrorCode::FailedLookup.number(), &[0, 4, 10, 7]));
    let failure = LookupFailure::GuardMismatch {
        bits_left: 10,
        guard_found: 7,
        bits_found: 0,
    };
    assert_eq!(
        Tcb::new(1).resume(),
        Err(Error::FailedLookup {
            source: false,
            failure
        })
    );
}

#[test]
fn an_invocation_that_the_profile_lacks_is_not_sent() {
    if abi::LABELS.label(Invocation::TcbUnsetBreakpoint).is_none() {
        assert_eq!(Tcb::new(1).unset_breakpoint(0), Err(Error::NotInProfile));
        assert!(take_record().is_empty());
    }
}

#[test]
fn messages_are_clipped_to_what_the_kernel_takes() {
    let message = Message::new(1)
        .with_words(&[7; 130])
        .with_caps(&[CPtr::new(1); 5]);
    assert_eq!((message.length, message.caps), (120, 3));
    assert_eq!(ipc_buffer::word(119), 7);
}

#[test]
fn the_second_capabilities_travel_where_the_kernel_looks() {
    let (endpoint, answer_to, target) = (Endpoint::new(5), Reply::new(6), CPtr::new(7));
    endpoint.recv(answer_to);
    let recv = only_entry();
    assert_eq!(
        (recv.number, recv.entry.cap, recv.entry.reply),
        (Syscall::Recv.number(), 5, 6)
    );
    syscalls::nb_send_recv(target, Message::default(), endpoint, answer_to);
    let both = only_entry().entry;
    assert_eq!((both.cap, both.reply, both.destination), (5, 6, 7));
    syscalls::nb_send_wait(target, Message::default(), endpoint);
    let wait = only_entry().entry;
    assert_eq!((wait.cap, wait.reply), (5, 7));
    endpoint.reply_recv(Message::new(2).with_words(&[9]), answer_to);
    let both = only_entry().entry;
    assert_eq!((both.cap, both.reply, both.words[0]), (5, 6, 9));
}

#[test]
fn registers_survive_the_way_to_words_and_back() {
    let words = core::array::from_fn(|index| 100 + index as Word);
    assert_eq!(
        isa::context_to_words(&isa::context_from_words(words)),
        words
    );
}

#[test]
fn faults_are_decoded() {
    answer(reply(FaultType::VMFault.number(), &[0x1000, 0x2000, 0, 6]));
    let fault = Fault::decode(&Endpoint::new(1).recv(Reply::new(2)));
    assert_eq!(
        fault,
        Some(Fault::Vm {
            ip: 0x1000,
            address: 0x2000,
            prefetch: false,
            status: 6
        })
    );
    answer(reply(FaultType::CapFault.number(), &[0x1000, 5, 1, 2, 13]));
    let failure = LookupFailure::MissingCapability { bits_left: 13 };
    let fault = Fault::decode(&Endpoint::new(1).recv(Reply::new(2)));
    assert_eq!(
        fault,
        Some(Fault::Cap {
            ip: 0x1000,
            address: 5,
            in_receive: true,
            failure
        })
    );
    answer(reply(0, &[]));
    assert_eq!(Fault::decode(&Endpoint::new(1).recv(Reply::new(2))), None);
}

#[test]
fn typed_capabilities_are_their_address() {
    assert_eq!(CPtr::new(9).cast::<Tcb>().cptr().bits(), 9);
    assert_eq!(size_of::<Tcb>(), size_of::<Word>());
}
