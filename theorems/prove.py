"""Proves theorems about the machine code of the kernel's leaf functions, for all inputs.

`prove.py THEOREMS.elf`: each path through a function is followed symbolically (angr), and the
solver (z3) is asked for inputs with which the claim does not hold. A theorem holds if every path
came to its end and there are none; a negative control holds if there are some.
"""

import itertools
import logging
import sys
import time

logging.disable(logging.CRITICAL)

import angr  # noqa: E402
import claripy  # noqa: E402

KERNEL = 0x0070_0000
ARGUMENTS = 0x0071_0000
RESULTS = 0x0072_0000
RETURN = 0x0073_0000
OBJECTS = 0xFFFF_FF80_0040_0000
# Tags of packed capabilities (kernel/src/cap/pack.rs).
ENDPOINT, CNODE, ISA = 2, 5, 18
OF_OBJECTS = (2, 3, 4, 5, 6, 7, 12, 14, 15, 17, 19)
# Seconds of processor time that one theorem may take.
BUDGET = 600


class NotProved(Exception):
    pass


class Prover:
    def __init__(self, file):
        self.project = angr.Project(file, auto_load_libs=False)
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
        return self.project.factory.blank_state(add_options=options)

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
    return state.regs.rax


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
            resolution_of(prover, function, radix, guard_bits)

    return theorem


def resolution_of(prover, function, radix, guard_bits):
    state = prover.fresh()
    guard = prover.word("guard")
    address, bits = prover.word("address"), prover.word("bits")
    root = [guard << 6 | guard_bits, (OBJECTS << 16 | radix << 8 | CNODE) & (2**64 - 1)]
    prover.store(state, ARGUMENTS, root)
    # The slots are empty: one level ends it.
    prover.store(state, OBJECTS, [0] * (4 << radix))
    state.solver.add(guard < 1 << guard_bits)
    state.solver.add(bits >= 1, bits <= 64)
    level = guard_bits + radix
    found = claripy.LShR(address << (64 - bits), 64 - guard_bits) if guard_bits else 0
    matches = claripy.And(bits >= guard_bits, guard == found)
    index = claripy.LShR(address, bits - level) & ((1 << radix) - 1)
    good = (claripy.BVV(0, 64), OBJECTS + 32 * index, bits - level)
    deep = (claripy.BVV(3, 64), bits, claripy.BVV(level, 64))
    other = (claripy.BVV(4, 64), bits, guard)
    for end in prover.call(state, function, KERNEL, ARGUMENTS, address, bits, RESULTS):
        out = prover.load(end, RESULTS, 3)
        wanted = [
            claripy.If(matches, claripy.If(bits >= level, a, b), c)
            for a, b, c in zip(good, deep, other)
        ]
        prover.holds(end, claripy.And(*(x == y for x, y in zip(out, wanted))))


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
    """A ring of refills with any times and amounts, far from the end of time."""

    def __init__(self, prover, head, count, period):
        self.state = prover.fresh()
        self.period = period
        self.at = prover.address("RING_OFFSETS")
        where = [self.state.solver.eval(w) for w in prover.load(self.state, self.at, 4)]
        self.where = dict(zip(("period", "max", "head", "count"), where))
        for name, value in (("period", period), ("max", ROOM), ("head", head), ("count", count)):
            prover.store(self.state, ARGUMENTS + self.where[name], [value])
        self.times = [prover.word("time") for _ in range(ROOM)]
        self.amounts = [prover.word("amount") for _ in range(ROOM)]
        for n in range(ROOM):
            prover.store(self.state, RESULTS + 16 * n, [self.times[n], self.amounts[n]])
            self.state.solver.add(self.times[n] < 1 << 56, self.amounts[n] < 1 << 56)
        self.live = [(head + n) % ROOM for n in range(count)]

    def sum_before(self):
        return sum((self.amounts[n] for n in self.live), claripy.BVV(0, 64))

    def sum_after(self, prover, state):
        head, count = (
            prover.load(state, ARGUMENTS + self.where[name], 1)[0] for name in ("head", "count")
        )
        prover.holds(state, claripy.And(head < ROOM, count >= 1, count <= ROOM))
        total = claripy.BVV(0, 64)
        for n in range(ROOM):
            # How far entry n is behind the head.
            place = claripy.If(head <= n, n - head, ROOM + n - head)
            amount = prover.load(state, RESULTS + 16 * n + 8, 1)[0]
            total = total + claripy.If(place < count, amount, claripy.BVV(0, 64))
        return total


def rings():
    return [(head, count) for head in range(ROOM) for count in range(1, ROOM + 1)]


def refill_conserved(function, periods):
    def theorem(prover):
        for (head, count), period in itertools.product(rings(), periods):
            if period == 0 and (head, count) != (0, 2):
                continue  # round robin has two, and its ring never turns
            refills = Refills(prover, head, count, period)
            now = prover.word("now")
            refills.state.solver.add(now < 1 << 56)
            for end in prover.call(refills.state, function, ARGUMENTS, RESULTS, now):
                prover.holds(end, refills.sum_after(prover, end) == refills.sum_before())

    return theorem


def charge_conserves(prover):
    for head, count in rings():
        refills = Refills(prover, head, count, prover.word("period"))
        used, least, latest = prover.word("used"), prover.word("min"), prover.word("max")
        first = refills.live[0]
        refills.state.solver.add(refills.period > 0, refills.period < 1 << 56, latest < 1 << 56)
        # What is charged was available, and nothing is left of it or more than nothing.
        refills.state.solver.add(used <= refills.amounts[first], refills.amounts[first] > 0)
        refills.state.solver.add(*(refills.amounts[n] > 0 for n in refills.live))
        for end in prover.call(
            refills.state, "refill_charge", ARGUMENTS, RESULTS, used, least, latest
        ):
            prover.holds(end, refills.sum_after(prover, end) == refills.sum_before())


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
    ("a queue of up to three takes a thread at each end", TRUE, queue_insertion),
    ("a queue of up to four loses any thread", TRUE, queue_removal("queue_without")),
    ("a queue of up to four loses any thread", FALSE, queue_removal("wrong_queue_without")),
    ("a capability is derived, among up to four", TRUE, cdt_insertion),
    ("a capability moves, among up to four", TRUE, cdt_moving),
    ("two capabilities change places, among up to four", TRUE, cdt_swapping),
    ("a capability goes, among up to four", TRUE, cdt_removal("cdt_remove")),
    ("a capability goes, among up to four", FALSE, cdt_removal("wrong_cdt_remove")),
    ("refills that overlap are joined without loss", TRUE, refill_conserved("refill_unblock", [0, 1])),
    ("a used slice is moved without loss", TRUE, refill_conserved("refill_slice", [0])),
    ("a used slice is moved without loss", FALSE, refill_conserved("wrong_refill_slice", [0])),
    ("charging conserves the sum of refills", TRUE, charge_conserves),
]


def judge(prover, expected, theorem):
    """None if it stands as expected, else why not."""
    try:
        theorem(prover)
    except Refuted as counterexample:
        return None if not expected else f"refuted: {counterexample}"
    except NotProved as why:
        return str(why)
    return None if expected else "a function with a mistake was accepted"


def main():
    wanted = sys.argv[2:]
    bad = False
    for name, expected, theorem in THEOREMS:
        title = name if expected else f"negative control: {name}"
        if wanted and not any(part in title for part in wanted):
            continue
        prover = Prover(sys.argv[1])
        started = time.time()
        prover.deadline = time.process_time() + BUDGET
        why = judge(prover, expected, theorem)
        bad = bad or why is not None
        word = "ok" if why is None else "FAILED"
        print(f"test {title} ... {word}")
        print(f"{why or f'{prover.paths} paths'}, {time.time() - started:.1f} s\n", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
