//! Which error wins: the order of checks of every decoder, from the table in `answers.txt`.

use crate::world::objects::CNODE;
use crate::world::{CPtr, World, error};
use abi::error::ErrorCode;
use abi::{Invocation, LABELS, OBJECT_TYPES, ObjectType, PROFILE, Word};
use machine::PhysicalAddress;
use machine::model::Config;
use std::collections::HashMap;

/// log2 of the bytes of the untyped that the cases use.
const UT_BITS: Word = 24;

/// What the names in the table mean.
type Names = HashMap<&'static str, Word>;

fn names(w: &mut World) -> Names {
    let number = |object| {
        OBJECT_TYPES
            .number(object)
            .expect("this build has the type")
    };
    let free = w.free_slots(64).0;
    HashMap::from([
        ("ut", w.untyped(UT_BITS).0),
        ("dut", w.device_untyped(16).expect("device memory").0),
        ("sctl", w.sched_control().0),
        ("E", free),
        ("NS", 1 << PROFILE.root_cnode_size_bits),
        ("GUARD", 64 - PROFILE.root_cnode_size_bits as Word),
        ("UT", 1 << UT_BITS),
        ("UTBITS", UT_BITS),
        ("TYPES", OBJECT_TYPES.count()),
        ("CNODE", number(ObjectType::CNode)),
        ("TCB", number(ObjectType::Tcb)),
        ("SC", number(ObjectType::SchedContext)),
        ("DOMAINS", PROFILE.num_domains as Word),
        ("SLICES", PROFILE.num_domain_schedules as Word),
        ("PAGE", 5 << 39),
        ("MAX", Word::MAX),
    ])
}

/// The objects of the cases.
fn objects(w: &mut World, names: &mut Names) {
    let ut = CPtr(names["ut"]);
    let kinds = [
        ("ep", ObjectType::Endpoint, 0),
        ("nt", ObjectType::Notification, 0),
        ("tcb", ObjectType::Tcb, 0),
        ("sc", ObjectType::SchedContext, 8),
        ("sc2", ObjectType::SchedContext, 7),
        ("rp", ObjectType::Reply, 0),
        ("c4", ObjectType::CNode, 4),
        ("f", ObjectType::X86SmallPage, 0),
        ("f2", ObjectType::X86SmallPage, 0),
        ("lf", ObjectType::X86LargePage, 0),
        ("pt", ObjectType::X86PageTable, 0),
        ("p4", ObjectType::X86PageTable, 0),
        ("pd", ObjectType::X86PageDirectory, 0),
        ("pdpt", ObjectType::X86Pdpt, 0),
        ("vs", ObjectType::X86Pml4, 0),
        ("u12", ObjectType::Untyped, 12),
        ("u13", ObjectType::Untyped, 13),
    ];
    for (name, object, bits) in kinds {
        let at = w.free_slot();
        w.try_retype(ut, object, bits, at, 1)
            .unwrap_or_else(|e| panic!("{name}: {e:?}"));
        names.insert(name, at.0);
    }
}

fn value(names: &Names, text: &str) -> Word {
    let split = text
        .char_indices()
        .skip(1)
        .find(|(_, c)| matches!(c, '+' | '-'));
    let (base, offset) = match split {
        Some((at, _)) => (&text[..at], text[at..].parse::<i64>().expect("an offset")),
        None => (text, 0),
    };
    let base = match (
        names.get(base),
        base.strip_prefix("0x"),
        base.strip_prefix("2^"),
    ) {
        (Some(value), ..) => *value,
        (_, Some(hex), _) => Word::from_str_radix(hex, 16).expect("a number"),
        (_, _, Some(power)) => 1 << power.parse::<u32>().expect("a power"),
        _ => base.parse().unwrap_or_else(|_| panic!("what is {base}?")),
    };
    base.wrapping_add_signed(offset)
}

fn label(name: &str) -> Word {
    name.parse().unwrap_or_else(|_| {
        let invocation = Invocation::ALL.iter().find(|i| i.name() == name);
        let invocation = invocation.unwrap_or_else(|| panic!("no invocation {name}"));
        LABELS
            .label(*invocation)
            .unwrap_or_else(|| panic!("this build has no {name}"))
    })
}

#[test]
#[cfg_attr(miri, ignore = "needs a machine with much memory")]
fn the_first_check_that_fails_wins() {
    let ram = vec![(PhysicalAddress(0x10_0000), 64 << 20)];
    let mut w = World::with(&Config {
        ram,
        ..Config::default()
    });
    let mut names = names(&mut w);
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in include_str!("answers.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, service, invocation, caps, words, answer, reply] = fields[..] else {
            panic!("{line}")
        };
        if !name.starts_with("rt ") && name != "null" && !names.contains_key("ep") {
            objects(&mut w, &mut names);
        }
        let values = |text: &str| {
            text.split_whitespace()
                .map(|t| value(&names, t))
                .collect::<Vec<_>>()
        };
        let caps: Vec<CPtr> = values(caps).into_iter().map(CPtr).collect();
        let (root, cap) = (w.root(), CPtr(value(&names, service)));
        let got = w.invoke_label(root, cap, label(invocation), &values(words), &caps);
        let got = got.map_or_else(|e| e, |words| error(ErrorCode::NoError, &words));
        let fits = got.code.name() == answer
            && got.words.len() == reply.split_whitespace().count()
            && got
                .words
                .iter()
                .zip(reply.split_whitespace())
                .all(|(w, t)| t == "*" || *w == value(&names, t));
        if !fits {
            wrong.push(format!("{name}: {got:?}, expected {answer} {reply}"));
        }
        count += 1;
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count > 200);
    let _ = CNODE;
}
