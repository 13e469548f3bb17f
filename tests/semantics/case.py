"""What is a semantic case, and which are there?

A case is a function that sends requests to one broker and asserts what a client sees. Its name is the statement, in
words; the module it stands in is its subject. Cases hold on Apache Kafka 4.3.0 and on kcon's broker alike.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.semantics.kafka import Kafka

Check = Callable[[Kafka], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One statement about what a client sees."""

    subject: str
    """The module: "produce", "transactions"..."""
    statement: str
    check: Check
    waits: bool = False
    """It waits for a timeout of seconds; run in the longer tier."""

    @property
    def id(self) -> str:
        """Return the name that a test run shows."""
        return f"{self.subject}: {self.statement}"


CASES: Final[list[Case]] = []


def case(check: Check) -> Check:
    """Register a function as a case; its name is the statement."""
    _register(check, check.__name__.replace("_", " "), check)
    return check


def waiting_case(check: Check) -> Check:
    """Register a case that waits for a timeout of seconds."""
    _register(check, check.__name__.replace("_", " "), check, waits=True)
    return check


def each(rows: Mapping[str, Any]) -> Callable[[Callable[[Kafka, Any], None]], Callable[[Kafka, Any], None]]:
    """Register a case a row: the function is given the row's value, and its name ends in the row's."""

    def register(check: Callable[[Kafka, Any], None]) -> Callable[[Kafka, Any], None]:
        for label, value in rows.items():
            _register(check, f"{check.__name__.replace('_', ' ')}: {label}", _bound(check, value))
        return check

    return register


def load_cases() -> list[Case]:
    """Import every module of cases; return them all, by subject."""
    package = importlib.import_module("tests.semantics.cases")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"tests.semantics.cases.{module.name}")
    # Modules of cases import each other.
    CASES.sort(key=lambda found: found.subject)
    return CASES


def _bound(check: Callable[[Kafka, Any], None], value: Any) -> Check:
    return lambda kafka: check(kafka, value)


def _register(source: Callable[..., None], statement: str, check: Check, *, waits: bool = False) -> None:
    module = inspect.getmodule(source)
    assert module is not None
    subject = module.__name__.rpartition(".")[2].replace("_", " ")
    found = Case(subject, statement, check, waits)
    assert all(found.id != other.id for other in CASES), f"two cases have the name '{found.id}'"
    CASES.append(found)
