"""Follows a function so that on every path its values are sums of unknowns.

Where arithmetic saturates, compilers choose between two values without a branch, and what is known
of a sum becomes a tree of choices that solvers do not come to the end of. Here a path becomes two
as soon as a register, or memory that is watched, holds a choice that can go either way.
"""

import time

import angr
import claripy

from sums import NotProved, example_of, holds_in, is_so


class Way:
    """A state, what is known on the way to it, an example of it, and what was found to follow."""

    def __init__(self, state, facts, example, known):
        self.state, self.facts, self.example, self.known = state, facts, example, known

    def copy(self, state):
        return Way(state, self.facts, self.example, dict(self.known))

    def learn(self, fact, example):
        self.facts, self.example = self.facts + [fact], example

    def truths(self, condition):
        """The truth values that the condition may have, with an example for each."""
        number = condition.hash()
        if number in self.known:
            return {self.known[number]: self.example}
        here = holds_in(self.example, condition)
        other = example_of(self.facts + [is_so(condition, not here)])
        if other is None:
            self.known[number] = here
            return {here: self.example}
        return {here: self.example, not here: other}


class Follower:
    """What is watched are addresses of words."""

    def __init__(self, arch, watched, deadline):
        self.registers = [r.name for r in arch.register_list if is_plain(r)]
        self.watched, self.deadline = watched, deadline
        self.choices = {}

    def follow(self, state, until):
        """All ways to the address."""
        # Which ways are possible is asked here.
        state.options.add(angr.options.LAZY_SOLVES)
        facts = list(state.solver.constraints)
        active, found = [Way(state, facts, example_of(facts), {})], []
        while active:
            way = active.pop()
            for end in self.step(way):
                (found if end.state.addr == until else active).append(end)
        return found

    def step(self, way):
        if time.process_time() > self.deadline:
            raise NotProved("out of time")
        next = way.state.step()
        if next.unconstrained_successors or not next.flat_successors:
            raise NotProved(f"a path cannot be followed from {way.state}")
        for state in next.flat_successors:
            yield from self.settled(way.copy(state), state.history.jump_guard)

    def settled(self, way, guard):
        """The possible ones of the ways that this one is: none of them holds a choice."""
        pending = [(way, guard)]
        while pending:
            way, guard = pending.pop()
            condition = self.first_choice(way.state, guard)
            truths = way.truths(guard if condition is None else condition)
            if condition is not None:
                pending += self.decided(way, guard, condition, truths)
            elif True in truths:
                if len(truths) == 2:
                    way.learn(guard, truths[True])
                yield way

    def decided(self, way, guard, condition, truths):
        """The way, or if the condition may be true and false its two, without this choice."""
        for truth, example in truths.items():
            one = way
            if len(truths) == 2:
                one = way.copy(way.state.copy())
                one.learn(is_so(condition, truth), example)
                one.known[condition.hash()] = truth
            for place, value in list(self.values(one.state)):
                if self.choice(value) is not None:
                    put(one.state, place, chosen(value, condition, truth))
            yield one, chosen(guard, condition, truth)

    def first_choice(self, state, guard):
        values = [guard] + [value for _, value in self.values(state)]
        choices = (self.choice(value) for value in values)
        return next((condition for condition in choices if condition is not None), None)

    def choice(self, value):
        """A condition on which the value depends, and in which there is no choice."""
        number = value.hash()
        if number not in self.choices:
            inner = (self.choice(part) for part in value.args if isinstance(part, claripy.ast.Base))
            found = next((condition for condition in inner if condition is not None), None)
            if found is None and value.op == "If":
                found = value.args[0]
            self.choices[number] = found
        return self.choices[number]

    def values(self, state):
        for name in self.registers:
            yield name, getattr(state.regs, name)
        for at in self.watched:
            yield at, state.memory.load(at, 8, endness="Iend_LE")


def put(state, place, value):
    if isinstance(place, str):
        setattr(state.regs, place, value)
    else:
        state.memory.store(place, value, endness="Iend_LE")


def chosen(value, condition, truth):
    """What the value is if the condition has this truth value."""
    if not isinstance(value, claripy.ast.Base) or value.is_leaf():
        return value
    if value.op == "If" and value.args[0].hash() == condition.hash():
        return chosen(value.args[1 if truth else 2], condition, truth)
    args = tuple(chosen(part, condition, truth) for part in value.args)
    if all(old is new for old, new in zip(value.args, args)):
        return value
    return value.make_like(value.op, args, simplify=True)


def is_plain(register):
    """Neither a part of another, nor where the program is, nor always 0."""
    values = register.general_purpose or register.name.startswith("cc_")
    return values and register.name not in ("pc", "rip", "zero")
