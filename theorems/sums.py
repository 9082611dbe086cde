"""What holds of sums of words: asked in integers, where a word is its sum less a multiple of 2^64.

Bit by bit, a solver takes minutes to see that of two long sums one is never above the other. That
is how it is asked what has to do with bits.
"""

import operator

import claripy
import z3

WORDS = 2**64
# Seconds for one question.
PATIENCE = 60


class NotProved(Exception):
    pass


class NoSum(Exception):
    pass


def example_of(facts):
    """Values of the unknowns, by name, for which all of it is so; None if there are none."""
    try:
        sums = Sums()
        solver = z3.SolverFor("QF_LIA")
        solver.add(*[sums.truth(fact) for fact in facts], *sums.limits)
    except NoSum:
        solver = z3.SolverFor("QF_BV")
        solver.add(*(claripy.backends.z3.convert(fact) for fact in facts))
    solver.set("timeout", PATIENCE * 1000)
    answer = solver.check()
    if answer == z3.unknown:
        raise NotProved(f"the solver gives up: {solver.reason_unknown()}")
    return values(solver.model()) if answer == z3.sat else None


def values(model):
    return {it.name(): model[it].as_long() for it in model}


def holds_in(example, condition):
    """Unknowns that nothing was known of may be 0."""

    def value(leaf):
        return claripy.BVV(example.get(leaf.args[0], 0), leaf.length) if leaf.op == "BVS" else leaf

    truth = claripy.replace_dict(condition, {}, leaf_operation=value)
    if truth.is_true() or truth.is_false():
        return truth.is_true()
    raise NotProved(f"no value: {condition}")


def is_so(condition, truth):
    return condition if truth else claripy.Not(condition)


class Sums:
    """Makes formulas of conditions, if they compare nothing but sums."""

    COMPARISONS = {
        "ULT": operator.lt,
        "ULE": operator.le,
        "UGT": operator.gt,
        "UGE": operator.ge,
        "__eq__": operator.eq,
        "__ne__": operator.ne,
    }

    def __init__(self):
        self.limits, self.words = [], {}

    def truth(self, condition):
        if condition.op == "BoolV":
            return z3.BoolVal(condition.args[0])
        if condition.op in ("Not", "And", "Or"):
            parts = [self.truth(part) for part in condition.args]
            return {"Not": z3.Not, "And": z3.And, "Or": z3.Or}[condition.op](*parts)
        if condition.op in self.COMPARISONS:
            return self.COMPARISONS[condition.op](*(self.word(part) for part in condition.args))
        raise NoSum(f"no comparison: {condition}")

    def word(self, value):
        number = value.hash()
        if number not in self.words:
            exact = self.sum(value)
            if value.op not in ("BVS", "BVV"):
                exact = exact - z3.Int(f"wraps {number}") * WORDS
            self.limits += [exact >= 0, exact < WORDS]
            self.words[number] = exact
        return self.words[number]

    def sum(self, value):
        """What the value is but for multiples of 2^64."""
        if not isinstance(value, claripy.ast.BV) or value.length != 64:
            raise NoSum(f"no word: {value}")
        if value.op == "BVV":
            return z3.IntVal(value.args[0])
        if value.op == "BVS":
            return z3.Int(value.args[0])
        parts = [self.sum(part) for part in value.args]
        if value.op == "__add__":
            return z3.Sum(*parts)
        if value.op == "__sub__":
            return parts[0] - z3.Sum(*parts[1:])
        if value.op == "__neg__":
            return -parts[0]
        if value.op == "__mul__" and len(parts) == 2 and value.args[0].op == "BVV":
            return signed(value.args[0].args[0]) * parts[1]
        raise NoSum(f"no sum: {value}")

def signed(word):
    return word - WORDS if word >= WORDS // 2 else word
