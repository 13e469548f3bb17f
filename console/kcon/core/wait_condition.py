"""What is waited for? `urp=0`, `lag<1000`, `group=empty`: one condition, read from text, judged against a value."""

import re
from enum import Enum
from typing import Final

from kcon.core.frozen import Frozen
from kcon.errors import UsageError


class Subject(Enum):
    """What is measured; the value is its name on the command line."""

    URP = "urp"
    """Partitions with fewer replicas in sync than assigned."""
    OFFLINE = "offline"
    """Partitions without a leader."""
    MOVES = "moves"
    """Partitions on the move between brokers."""
    BROKERS = "brokers"
    """Live brokers."""
    LAG = "lag"
    """Of the groups named, in all."""
    MEMBERS = "members"
    """Of the groups named, in all."""
    GROUP = "group"
    """The state of the groups named."""

    @property
    def wants_group(self) -> bool:
        """It is about consumer groups."""
        return self in {Subject.LAG, Subject.MEMBERS, Subject.GROUP}


class Condition(Frozen):
    """One condition. `str()` gives it back as it is written."""

    subject: Subject
    operator: str
    """`=`, `!=`, `<`, `<=`, `>` or `>=`."""
    wanted: int | str
    """A count, or the state of a group in lower case."""

    def __str__(self) -> str:
        return f"{self.subject.value}{self.operator}{self.wanted}"

    def holds(self, value: int | frozenset[str] | None) -> bool:
        """Judge what was measured: a count, or the states of all groups. None, which is unknown, never holds."""
        if value is None:
            return False
        if isinstance(value, frozenset):
            is_there = value == {self.wanted}
            return bool(value) and (is_there if self.operator == "=" else self.wanted not in value)
        assert isinstance(self.wanted, int), "a count is compared with a count"
        return {
            "=": value == self.wanted,
            "!=": value != self.wanted,
            "<": value < self.wanted,
            "<=": value <= self.wanted,
            ">": value > self.wanted,
            ">=": value >= self.wanted,
        }[self.operator]


STATES: Final = ("empty", "stable", "dead", "preparingrebalance", "completingrebalance", "assigning", "reconciling")


def parse_condition(text: str) -> Condition:
    """Read one condition. UsageError says what is off."""
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"Not a condition: {text!r}.", "Write urp=0, 'lag<1000' or group=empty; quote < and >.")
    name, operator, value = match[1].lower(), match[2], match[3]
    subject = next((each for each in Subject if each.value == name), None)
    if subject is None:
        names = ", ".join(each.value for each in Subject)
        raise UsageError(f"{match[1]!r} is nothing to wait for.", f"There are {names}.")
    if subject is Subject.GROUP:
        state = value.lower()
        if operator not in {"=", "!="} or state not in STATES:
            raise UsageError(f"Not a state of a group: {text!r}.", f"Write group=STATE with {', '.join(STATES)}.")
        return Condition(subject=subject, operator=operator, wanted=state)
    if not value.isdecimal() or len(value) > _DIGITS_MAX:
        raise UsageError(f"{name} is compared with a number, not with {value!r}.", f"Write {name}=0.")
    return Condition(subject=subject, operator=operator, wanted=int(value))


_CONDITION: Final = re.compile(r"([A-Za-z]+)\s*(<=|>=|!=|=|<|>)\s*([A-Za-z]+|\d+)", re.ASCII)
_DIGITS_MAX: Final = 18
