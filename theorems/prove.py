"""Proves theorems about the machine code of the kernel's leaf functions, for all inputs.

`prove.py THEOREMS.elf`: each path through a function is followed symbolically (angr), and the
solver (z3) is asked for inputs with which the claim does not hold. A theorem holds if every path
came to its end and there are none; a negative control holds if there are some.
"""

import itertools
import logging
import multiprocessing
import os
import sys
import time

logging.disable(logging.CRITICAL)
sys.dont_write_bytecode = True

import angr  # noqa: E402
import claripy  # noqa: E402
from angr.engines.vex.claripy import irop  # noqa: E402

from sums import NotProved, example_of  # noqa: E402
from ways import Follower  # noqa: E402

KERNEL = 0x0070_0000
ARGUMENTS = 0x0071_0000
RESULTS = 0x0072_0000
RETURN = 0x0073_0000
OBJECTS = 0xFFFF_FF80_0040_0000
# Tags of packed capabilities (kernel/src/cap/pack.rs).
UNTYPED, ENDPOINT, CNODE, FRAME = 1, 2, 5, 13
OF_OBJECTS = (2, 3, 4, 5, 6, 7, 12, 14, 15, 17, 19)
# In the links of a slot: the capability may be revoked.
REVOCABLE = 1
# The word of an IPC buffer with the first capability's address.
CAPS = 122
WORD = 2**64 - 1
# Seconds of processor time that one theorem may take.
BUDGET = 600


def mask_shifts():
    """RISC-V shifts by the low bits of a register; the lifter passes on all of them."""
    for shift, bits in itertools.product(("Shl", "Shr", "Sar"), (32, 64)):
        operation = irop.operations[f"Iop_{shift}{bits}"]

        def masked(words, calculate=operation._calculate, bits=bits):
            return calculate((words[0], words[1] & (bits - 1)))

        operation._calculate = masked


class Prover:
    def __init__(self, file):
        self.project = angr.Project(file, auto_load_libs=False)
        if self.project.arch.name == "RISCV64":
            mask_shifts()
        self.paths = 0
        self.deadline = 0

    def address(self, name):
        return self.project.loader.find_symbol(name).rebased_addr

    def word(self, name):
        return claripy.BVS(name, 64)

    def fresh(self):
        options = {
            angr.options.SYMBOL_FILL_UNCONSTRAINED_MEMORY,
            angr.options.SYMBOL_FILL_UNCONSTRAINED_REGISTERS,
        }
        state = self.project.factory.blank_state(add_options=options)
        if state.arch.name == "RISCV64":
            # The lifter reads this register as any other.
            state.regs.zero = 0
        # Every address that it may be, or none: without these, angr follows only one of many.
        every = angr.concretization_strategies.SimConcretizationStrategySolutions(64)
        state.memory.read_strategies = [every]
        state.memory.write_strategies = [every]
        return state

    def store(self, state, at, words):
        for index, word in enumerate(words):
            word = claripy.BVV(word, 64) if isinstance(word, int) else word
            state.memory.store(at + 8 * index, word, endness="Iend_LE")

    def load(self, state, at, count):
        return [state.memory.load(at + 8 * n, 8, endness="Iend_LE") for n in range(count)]

    def call(self, state, name, *arguments):
        """All states in which the function returns."""
        state = self.project.factory.call_state(
            self.address(name), *arguments, base_state=state, ret_addr=RETURN
        )
        manager = self.project.factory.simulation_manager(state)
        while manager.active:
            if time.process_time() > self.deadline:
                raise NotProved("out of time")
            manager.step()
            manager.move("active", "found", lambda s: s.addr == RETURN)
            if manager.errored or manager.stashes.get("unconstrained"):
                raise NotProved(f"a path of {name} cannot be followed: {manager.errored[:1]}")
        found = manager.stashes.get("found", [])
        if not found or manager.deadended:
            raise NotProved(f"a path of {name} does not return")
        self.paths += len(found)
        return found

    def ways(self, state, name, *arguments, watched):
        """As `call`, for arithmetic that saturates: what is watched are addresses of words."""
        state = self.project.factory.call_state(
            self.address(name), *arguments, base_state=state, ret_addr=RETURN
        )
        found = Follower(self.project.arch, watched, self.deadline).follow(state, RETURN)
        self.paths += len(found)
        return found

    def one(self, state, name, *arguments):
        """For calls whose way does not depend on what is not known."""
        states = self.call(state, name, *arguments)
        if len(states) != 1:
            raise NotProved(f"{name} takes {len(states)} ways")
        return states[0]

    def holds(self, state, claim):
        """Raises with a counterexample if the claim can fail."""
        if state.solver.satisfiable(extra_constraints=[claripy.Not(claim)]):
            raise Refuted(f"{claim}"[:300])


class Refuted(Exception):
    pass


def result(state):
    """What the function returned, in the register that the machine's calls return it in."""
    return state.registers.load(RESULT_REGISTERS[state.arch.name])


RESULT_REGISTERS = {"AMD64": "rax", "AARCH64": "x0", "RISCV64": "a0"}


def of_its_kind(words):
    """An object's address is never 0."""
    tag = words[1][5:0]
    address = words[1][63:16]
    some = [claripy.And(tag == number, address == 0) for number in OF_OBJECTS]
    return claripy.Not(claripy.Or(*some))


# --- Capabilities ---------------------------------------------------------------------------


def packing(function):
    def theorem(prover):
        state = prover.fresh()
        words = [prover.word("w0"), prover.word("w1")]
        prover.store(state, ARGUMENTS, words)
        state.solver.add(of_its_kind(words))
        for end in prover.call(state, function, ARGUMENTS):
            prover.holds(end, result(end)[7:0] == 1)

    return theorem


def packing_is_onto_one_form(prover):
    state = prover.fresh()
    words = [prover.word("w0"), prover.word("w1")]
    prover.store(state, ARGUMENTS, words)
    state.solver.add(of_its_kind(words))
    for end in prover.call(state, "pack_again", ARGUMENTS, RESULTS, RESULTS + 16):
        once, twice = prover.load(end, RESULTS, 2), prover.load(end, RESULTS + 16, 2)
        prover.holds(end, claripy.And(once[0] == twice[0], once[1] == twice[1]))


def masking(function):
    def theorem(prover):
        state = prover.fresh()
        words = [prover.word("badge"), prover.word("w1")]
        mask = prover.word("mask")
        prover.store(state, ARGUMENTS, words)
        state.solver.add(of_its_kind(words), words[1][5:0] == ENDPOINT)
        for end in prover.call(state, function, ARGUMENTS, mask, RESULTS):
            before, after = prover.load(end, RESULTS, 2)
            prover.holds(end, after == before & mask & 15)

    return theorem


# --- Capability spaces ------------------------------------------------------------------------


def resolution(function):
    def theorem(prover):
        for radix, guard_bits in itertools.product((1, 4), (0, 1, 7, 32, 57)):
            # The slots are empty: one level ends it.
            resolution_of(prover, function, [Level(prover, radix, guard_bits, OBJECTS)])

    return theorem


def resolution_of_two(function):
    def theorem(prover):
        for root, guards in itertools.product((0, 7, 57), ((0, 5), (30, 1), (57, 40))):
            second = [
                Level(prover, radix, guard_bits, OBJECTS + 0x1000 * radix)
                for radix, guard_bits in zip((1, 3), guards)
            ]
            levels = [Level(prover, 1, root, OBJECTS, second)] + second
            resolution_of(prover, function, levels)

    return theorem


class Level:
    """A CNode with any guard of so many bits, and the CNodes that its slots lead to."""

    def __init__(self, prover, radix, guard_bits, slots, inner=()):
        self.guard = prover.word("guard")
        self.radix, self.guard_bits, self.slots, self.inner = radix, guard_bits, slots, inner

    def words(self):
        return [self.guard << 6 | self.guard_bits, WORD & (self.slots << 16 | self.radix << 8 | CNODE)]

    def place(self, prover, state):
        state.solver.add(claripy.ULT(self.guard, 1 << self.guard_bits))
        prover.store(state, self.slots, [0] * (4 << self.radix))
        for index, level in enumerate(self.inner):
            prover.store(state, self.slots + 32 * index, level.words())

    def outcome(self, address, bits):
        """Kind of outcome, and its two words, by the manual."""
        level = self.guard_bits + self.radix
        found = claripy.LShR(address << (64 - bits), 64 - self.guard_bits) if self.guard_bits else 0
        matches = claripy.And(claripy.UGE(bits, self.guard_bits), self.guard == found)
        left = bits - level
        index = claripy.LShR(address, left) & ((1 << self.radix) - 1)
        good = (claripy.BVV(0, 64), self.slots + 32 * index, left)
        for number, level_there in enumerate(self.inner):
            goes_on = claripy.And(index == number, left != 0)
            good = either(goes_on, level_there.outcome(address, left), good)
        deep = (claripy.BVV(3, 64), bits, claripy.BVV(level, 64))
        other = (claripy.BVV(4, 64), bits, self.guard)
        return either(matches, either(claripy.UGE(bits, level), good, deep), other)


def either(condition, these, those):
    return [claripy.If(condition, a, b) for a, b in zip(these, those)]


def resolution_of(prover, function, levels):
    state = prover.fresh()
    address, bits = prover.word("address"), prover.word("bits")
    state.solver.add(claripy.UGE(bits, 1), claripy.ULE(bits, 64))
    for level in levels:
        level.place(prover, state)
    prover.store(state, ARGUMENTS, levels[0].words())
    wanted = levels[0].outcome(address, bits)
    for end in prover.call(state, function, KERNEL, ARGUMENTS, address, bits, RESULTS):
        out = prover.load(end, RESULTS, 3)
        prover.holds(end, claripy.And(*(x == y for x, y in zip(out, wanted))))


# --- Untyped memory ---------------------------------------------------------------------------

CALLER, BUFFER = OBJECTS, 0x0050_0000
SPACE, TARGETS = OBJECTS + 0x1000, OBJECTS + 0x2000
UNTYPED_SLOT, NODE_SLOT, CHILD_SLOT = (SPACE + 32 * n for n in (1, 2, 3))
# Bits of a physical address that any of the machines has, and log2 of the least and the largest
# untyped memory (`abi::object`).
PHYSICAL_BITS, LEAST_BITS = 46, 4
MOST_BITS = {"AMD64": 47, "AARCH64": 47, "RISCV64": 38}


def untyped_words(base, bits, device, watermark, cleared):
    """As `pack.rs` says; that packing keeps what it means is another theorem."""
    low = bits | device << 6 | claripy.LShR(watermark, 4) << 7 | claripy.LShR(cleared, 10) << 51
    return [low, base << 16 | (cleared & 1023) << 6 | UNTYPED]


class Memory:
    """Untyped memory of any base, size and watermark, with a child in it or without."""

    def __init__(self, prover, has_child):
        self.state = state = prover.fresh()
        self.base, self.bits = prover.word("base"), prover.word("bits")
        self.device, self.watermark = prover.word("device"), prover.word("watermark")
        self.cleared = prover.word("cleared")
        self.size = claripy.BVV(1, 64) << self.bits
        state.solver.add(
            claripy.UGE(self.bits, LEAST_BITS),
            claripy.ULE(self.bits, min(PHYSICAL_BITS - 1, MOST_BITS[state.arch.name])),
            claripy.ULT(self.base, 1 << PHYSICAL_BITS),
            self.base & (self.size - 1) == 0,
            claripy.ULE(self.device, 1),
            self.watermark & 15 == 0,
            claripy.ULE(self.watermark, self.size),
            claripy.ULT(self.cleared, 1 << 23),
        )
        self.words = untyped_words(self.base, self.bits, self.device, self.watermark, self.cleared)
        # Memory in which nothing lives is all there, wherever the watermark is.
        self.used = self.watermark if has_child else claripy.BVV(0, 64)
        child = CHILD_SLOT if has_child else 0
        prover.store(state, SPACE, [0] * 32)
        prover.store(state, TARGETS, [0] * 32)
        prover.store(state, UNTYPED_SLOT, self.words + [0, child | REVOCABLE])
        if has_child:
            self.place_child(prover)

    def place_child(self, prover):
        inner = untyped_words(
            self.base, claripy.BVV(LEAST_BITS, 64), self.device, claripy.BVV(0, 64), claripy.BVV(0, 64)
        )
        prover.store(self.state, CHILD_SLOT, inner + [UNTYPED_SLOT, REVOCABLE])
        self.state.solver.add(claripy.UGE(self.watermark, 1 << LEAST_BITS))


def asking_for(prover, memory, size_bits, count):
    """A thread that asks for so many untypeds of a size in the memory."""
    state = memory.state
    for at, radix, rest in ((ARGUMENTS, 3, 61), (ARGUMENTS + 16, 2, 0)):
        slots = SPACE if rest else TARGETS
        state = prover.one(state, "cnode_words", slots, radix, rest, at)
    prover.store(state, NODE_SLOT, prover.load(state, ARGUMENTS + 16, 2) + [0, 0])
    prover.store(state, ARGUMENTS + 32, [3, BUFFER << 16 | FRAME])
    window = result(prover.one(state, "window", BUFFER))
    buffer = state.solver.eval_one(window)
    # Type, size, node index, depth, offset and count; then where capabilities are named.
    words = [claripy.BVV(0, 64), size_bits, 0, 0, 0, count]
    prover.store(state, buffer + 8, words)
    prover.store(state, buffer + 8 * CAPS, [2])
    retype = 1 << 12 | 1 << 7 | 6
    prover.store(state, RESULTS, [1, retype] + words[:4])
    state = prover.one(state, "caller", KERNEL, CALLER, ARGUMENTS, ARGUMENTS + 32, RESULTS)
    return state


def allocation(function, count):
    def theorem(prover):
        for has_child in (False, True):
            memory = Memory(prover, has_child)
            size_bits = prover.word("size_bits")
            state = asking_for(prover, memory, size_bits, count)
            more = (UNTYPED_SLOT,) if function != "call" else ()
            for end in prover.call(state, function, KERNEL, CALLER, *more):
                allocated(prover, end, memory, size_bits, count)

    return theorem


def allocated(prover, end, memory, size_bits, count):
    """Either nothing has changed, and it did not fit; or it did, and all is as it should be."""
    slots = [TARGETS + 32 * n for n in range(4)]
    now = prover.load(end, UNTYPED_SLOT, 2)
    made = [prover.load(end, slot, 2) for slot in slots]
    size = claripy.BVV(1, 64) << size_bits
    sizes = claripy.And(claripy.UGE(size_bits, LEAST_BITS), claripy.ULE(size_bits, memory.bits))
    # No sum here is above 2^62.
    start = (memory.used + size - 1) & ~(size - 1)
    fits = claripy.And(sizes, claripy.ULE(start + size * count, memory.size))
    nothing = claripy.And(*(word == 0 for words in made for word in words))
    same = claripy.And(*(a == b for a, b in zip(now, memory.words)))
    prover.holds(end, claripy.Or(fits, claripy.And(nothing, same)))
    zero = claripy.BVV(0, 64)
    wanted = [
        untyped_words(memory.base + start + size * n, size_bits, memory.device, zero, zero)
        for n in range(count)
    ] + [[zero, zero]] * (4 - count)
    right = [a == b for words, want in zip(made, wanted) for a, b in zip(words, want)]
    watermark = untyped_words(memory.base, memory.bits, memory.device, start + size * count, zero)
    right += [a == b for a, b in zip(now, watermark)]
    prover.holds(end, claripy.Or(claripy.Not(fits), claripy.And(*right)))


# --- Queues -------------------------------------------------------------------------------------

THREADS = [OBJECTS + 0x1000 * n for n in range(4)]


def queue_of(prover, order):
    """A queue as the function for the end of queues makes it. What else is in threads is any."""
    state, head = prover.fresh(), claripy.BVV(0, 64)
    for thread in THREADS:
        state = prover.one(state, "queue_none", KERNEL, thread)
    for thread in order:
        state = prover.one(state, "queue_last", KERNEL, head, thread)
        head = result(state)
    return state, head


def is_queue(prover, state, head, order):
    first = order[0] if order else 0
    prover.holds(state, head == first)
    for thread, behind in zip(order, order[1:] + [0]):
        state = prover.one(state, "queue_after", KERNEL, head, thread)
        prover.holds(state, result(state) == behind)


def orders(things, most):
    for count in range(most + 1):
        yield from (list(order) for order in itertools.permutations(things, count))


def queue_insertion(prover):
    for order in orders(THREADS, 3):
        state, head = queue_of(prover, order)
        is_queue(prover, state, head, order)
        thread = next(thread for thread in THREADS if thread not in order)
        end = prover.one(state, "queue_first", KERNEL, head, thread)
        is_queue(prover, end, result(end), [thread] + order)


def queue_removal(function):
    def theorem(prover):
        for order in orders(THREADS, 4):
            if len(order) == 4 and order[0] != THREADS[0]:
                continue  # names of threads do not matter
            state, head = queue_of(prover, order)
            for thread in order:
                end = prover.one(state, function, KERNEL, head, thread)
                rest = [other for other in order if other != thread]
                is_queue(prover, end, result(end), rest)

    return theorem


# --- The derivation tree ----------------------------------------------------------------------------

SLOTS = [OBJECTS + 32 * n for n in range(4)]


class Tree:
    """A list of slots in this order: endpoint capabilities, with any flags."""

    def __init__(self, prover, order):
        self.order = order
        self.state = prover.fresh()
        self.flags = {slot: prover.word("flags") & 3 for slot in order}
        self.caps = {slot: any_endpoint(prover) for slot in order}
        for slot in SLOTS:
            prover.store(self.state, slot, [0, 0, 0, 0])
        for slot, before, behind in neighbours(order):
            words = self.caps[slot] + [before, behind | self.flags[slot]]
            prover.store(self.state, slot, words)


def any_endpoint(prover):
    address = prover.word("object") | (1 << 47) | 1
    small = prover.word("rights") & 15
    return [prover.word("badge"), address << 16 | small << 8 | ENDPOINT]


def neighbours(order):
    return zip(order, [0] + order[:-1], order[1:] + [0])


def is_tree(prover, state, order, caps, flags):
    for slot, before, behind in neighbours(order):
        wanted = caps[slot] + [claripy.BVV(before, 64), behind | flags[slot]]
        found = prover.load(state, slot, 4)
        prover.holds(state, claripy.And(*(a == b for a, b in zip(found, wanted))))
    for slot in SLOTS:
        if slot not in order:
            prover.holds(state, claripy.And(*(a == 0 for a in prover.load(state, slot, 4))))


def cdt_insertion(prover):
    for order in orders(SLOTS, 3):
        for parent in order:
            tree = Tree(prover, order)
            new = next(slot for slot in SLOTS if slot not in order)
            cap = any_endpoint(prover)
            prover.store(tree.state, ARGUMENTS, cap)
            place = order.index(parent) + 1
            wanted = order[:place] + [new] + order[place:]
            caps, flags = tree.caps | {new: cap}, tree.flags | {new: claripy.BVV(3, 64)}
            for end in prover.call(tree.state, "cdt_insert", KERNEL, ARGUMENTS, parent, new):
                is_tree(prover, end, wanted, caps, flags)


def cdt_moving(prover):
    for order in orders(SLOTS, 3):
        for source in order:
            tree = Tree(prover, order)
            to = next(slot for slot in SLOTS if slot not in order)
            prover.store(tree.state, ARGUMENTS, tree.caps[source])
            wanted = [to if slot == source else slot for slot in order]
            caps, flags = tree.caps | {to: tree.caps[source]}, tree.flags | {to: tree.flags[source]}
            for end in prover.call(tree.state, "cdt_move", KERNEL, ARGUMENTS, source, to):
                is_tree(prover, end, wanted, caps, flags)


def cdt_swapping(prover):
    for order in orders(SLOTS, 4):
        if len(order) == 4 and order[0] != SLOTS[0]:
            continue
        for a, b in itertools.combinations(order, 2):
            tree = Tree(prover, order)
            other = {a: b, b: a}
            wanted = [other.get(slot, slot) for slot in order]
            caps = tree.caps | {a: tree.caps[b], b: tree.caps[a]}
            flags = tree.flags | {a: tree.flags[b], b: tree.flags[a]}
            for end in prover.call(tree.state, "cdt_swap", KERNEL, a, b):
                is_tree(prover, end, wanted, caps, flags)


def cdt_removal(function):
    def theorem(prover):
        for order in orders(SLOTS, 4):
            if len(order) == 4 and order[0] != SLOTS[0]:
                continue
            for gone in order:
                tree = Tree(prover, order)
                wanted = [slot for slot in order if slot != gone]
                flags = dict(tree.flags)
                behind = order[order.index(gone) + 1 :][:1]
                for slot in behind:
                    # Whoever follows the first of a badge is the first now.
                    flags[slot] = flags[slot] | flags[gone] & 2
                for end in prover.call(tree.state, function, KERNEL, gone):
                    is_tree(prover, end, wanted, tree.caps, flags)

    return theorem


# --- Refills ----------------------------------------------------------------------------------------

ROOM = 3


class Refills:
    """A ring of refills with any period, times and amounts, far from the end of time."""

    def __init__(self, prover, head, count, period):
        self.prover, self.state = prover, prover.fresh()
        self.period = period
        at = prover.address("RING_OFFSETS")
        where = [ARGUMENTS + self.state.solver.eval(w) for w in prover.load(self.state, at, 4)]
        self.where = dict(zip(("period", "max", "head", "count"), where))
        for name, value in (("period", period), ("max", ROOM), ("head", head), ("count", count)):
            prover.store(self.state, self.where[name], [value])
        self.places = [RESULTS + 16 * n + 8 for n in range(ROOM)]
        times, amounts = ([prover.word(name) for _ in range(ROOM)] for name in ("time", "amount"))
        for place, *refill in zip(self.places, times, amounts):
            prover.store(self.state, place - 8, refill)
        self.state.solver.add(*(word < 1 << 56 for word in (period, *times, *amounts)))
        live = [amounts[(head + n) % ROOM] for n in range(count)]
        self.sum = sum(live, claripy.BVV(0, 64))

    def conserved(self, function, *arguments):
        watched = [*self.where.values(), *(place - 8 for place in self.places), *self.places]
        for end in self.prover.ways(
            self.state, function, ARGUMENTS, RESULTS, *arguments, watched=watched
        ):
            example = example_of(end.facts + [self.sum_after(end.state) != self.sum])
            if example is not None:
                raise Refuted(f"{example}")

    def sum_after(self, state):
        head, count = (
            self.prover.load(state, self.where[name], 1)[0] for name in ("head", "count")
        )
        if head.symbolic or count.symbolic:
            raise NotProved(f"a ring of any form: {head}, {count}")
        head, count = head.concrete_value, count.concrete_value
        if head >= ROOM or not 1 <= count <= ROOM:
            raise Refuted(f"no ring: {head}, {count}")
        live = [self.places[(head + n) % ROOM] for n in range(count)]
        return sum((self.prover.load(state, at, 1)[0] for at in live), claripy.BVV(0, 64))


def rings():
    return [(head, count) for head in range(ROOM) for count in range(1, ROOM + 1)]


def joining_conserves(prover):
    for head, count in rings():
        refills = Refills(prover, head, count, prover.word("period"))
        now = prover.word("now")
        refills.state.solver.add(now < 1 << 56)
        refills.conserved("refill_unblock", now)


def slice_conserved(function):
    def theorem(prover):
        # Round robin has two refills, and its ring never turns.
        Refills(prover, 0, 2, claripy.BVV(0, 64)).conserved(function, prover.word("used"))

    return theorem


def charge_conserves(function):
    def theorem(prover):
        for head, count in rings():
            refills = Refills(prover, head, count, prover.word("period"))
            used, least, latest = prover.word("used"), prover.word("min"), prover.word("max")
            # No more than there is at all.
            refills.state.solver.add(used <= refills.sum)
            refills.conserved(function, used, least, latest)

    return theorem


# --- All of it ----------------------------------------------------------------------------------------

TRUE, FALSE = True, False
THEOREMS = [
    ("packing a capability keeps what it means, every kind", TRUE, packing("packing_keeps")),
    ("packing a capability keeps what it means", FALSE, packing("wrong_packing_keeps")),
    ("packing makes one form, every kind", TRUE, packing_is_onto_one_form),
    ("masked rights are those of both", TRUE, masking("mask_rights")),
    ("masked rights are those of both", FALSE, masking("wrong_mask_rights")),
    ("one level of a capability space", TRUE, resolution("resolve")),
    ("one level of a capability space", FALSE, resolution("wrong_resolve")),
    ("two levels of a capability space", TRUE, resolution_of_two("resolve")),
    ("two levels of a capability space", FALSE, resolution_of_two("wrong_resolve")),
    ("memory is allotted, one piece", TRUE, allocation("call", 1)),
    ("memory is allotted, three pieces", TRUE, allocation("call", 3)),
    ("memory is allotted", FALSE, allocation("wrong_call", 1)),
    ("a queue of up to three takes a thread at each end", TRUE, queue_insertion),
    ("a queue of up to four loses any thread", TRUE, queue_removal("queue_without")),
    ("a queue of up to four loses any thread", FALSE, queue_removal("wrong_queue_without")),
    ("a capability is derived, among up to four", TRUE, cdt_insertion),
    ("a capability moves, among up to four", TRUE, cdt_moving),
    ("two capabilities change places, among up to four", TRUE, cdt_swapping),
    ("a capability goes, among up to four", TRUE, cdt_removal("cdt_remove")),
    ("a capability goes, among up to four", FALSE, cdt_removal("wrong_cdt_remove")),
    ("refills that overlap are joined without loss", TRUE, joining_conserves),
    ("a used slice is moved without loss", TRUE, slice_conserved("refill_slice")),
    ("a used slice is moved without loss", FALSE, slice_conserved("wrong_refill_slice")),
    ("charging conserves the sum of refills", TRUE, charge_conserves("refill_charge")),
    ("charging conserves the sum of refills", FALSE, charge_conserves("wrong_refill_charge")),
]


def judge(prover, expected, theorem):
    """None if it stands as expected, else why not."""
    try:
        theorem(prover)
    except Refuted as counterexample:
        return None if not expected else f"refuted: {counterexample}"
    except NotProved as why:
        return str(why)
    except angr.errors.SimSolverModeError:
        return "the solver gives up"
    return None if expected else "a function with a mistake was accepted"


def title(number):
    name, expected, _ = THEOREMS[number]
    return name if expected else f"negative control: {name}"


def proved(number):
    """The theorem, why it does not stand as expected, or None, and what was done for it."""
    _, expected, theorem = THEOREMS[number]
    prover = Prover(sys.argv[1])
    started = time.process_time()
    prover.deadline = started + BUDGET
    why = judge(prover, expected, theorem)
    spent = f"{prover.paths} paths, {time.process_time() - started:.1f} s of a core"
    return title(number), why, spent


def main():
    wanted = sys.argv[2:]
    numbers = [
        number
        for number in range(len(THEOREMS))
        if not wanted or any(part in title(number) for part in wanted)
    ]
    bad = False
    # A process for each theorem: what one leaves behind does not slow down the next. The longest
    # stand last: they begin first.
    with multiprocessing.Pool(len(os.sched_getaffinity(0)), maxtasksperchild=1) as pool:
        for name, why, spent in pool.imap_unordered(proved, reversed(numbers)):
            bad = bad or why is not None
            print(f"test {name} ... {'ok' if why is None else 'FAILED'}")
            print(spent if why is None else f"{why}, {spent}", end="\n\n", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
