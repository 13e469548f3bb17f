"""Which page tells what our broker has in common with Apache Kafka? docs/semantics.md, made from the cases' names.

Run `python -m tests.semantics.page > docs/semantics.md` after a change.
"""

import sys
from itertools import groupby
from typing import Final

from tests.semantics.case import Case, load_cases
from tests.semantics.pitfalls import rendered

LAST_RUN: Final = "2026-11-28: 817 cases, passed: kcon 817, Apache Kafka 817 (193 s on two busy cores)"
"""What `python -m tests.semantics` printed last."""


def render() -> str:
    """Return docs/semantics.md."""
    cases = load_cases()
    lines = [
        "# What clients can rely on",
        "",
        f"{len(cases)} statements about what a client sees. Each is a test that passes on Apache Kafka 4.3.0 and on",
        "kcon's broker alike; the page is made from their names. `python -m tests.semantics` runs them on both and",
        "prints a column for each; `--only WORD` picks some. CI runs all of them on both.",
        "",
        f"All in one go, {LAST_RUN}.",
    ]
    for subject, group in groupby(cases, key=lambda case: case.subject):
        found = list(group)
        lines += ["", f"## {_capital(subject)} ({len(found)})", ""]
        lines += [_line(statement, rows) for statement, rows in _by_statement(found)]
    lines += ["", *rendered()]
    return "\n".join(lines) + "\n"


def _by_statement(cases: list[Case]) -> list[tuple[str, list[str]]]:
    """Return statements with the rows that each has."""
    statements: dict[str, list[str]] = {}
    for case in cases:
        statement, _, row = case.statement.partition(": ")
        statements.setdefault(statement, []).extend([row] if row else [])
    return list(statements.items())


def _line(statement: str, rows: list[str]) -> str:
    told = f": {'; '.join(row.replace('*', chr(92) + '*') for row in rows)}" if rows else ""
    return f"- {_capital(statement)}{told}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    sys.stdout.write(render())
