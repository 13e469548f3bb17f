"""Is everything that the table of pitfalls names a case or a test that exists?"""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.semantics.case import load_cases
from tests.semantics.pitfalls import PITFALLS

ROOT = Path(__file__).parents[2]


@cache
def _functions(path: str) -> frozenset[str]:
    """Return the tests of a file, with the class they stand in."""
    tree = ast.parse((ROOT / path).read_text())
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
    return frozenset(found)


def _exists(proof: str) -> bool:
    if "::" in proof:
        path, _, name = proof.partition("::")
        return name.partition("[")[0] in _functions(path)
    return any(case.id == proof or case.id.startswith(f"{proof}: ") for case in load_cases())


@pytest.mark.parametrize("subject", sorted({one.subject for one in PITFALLS}))
def test_every_proof_is_there(subject: str) -> None:
    missing = [proof for one in PITFALLS if one.subject == subject for proof in one.proofs if not _exists(proof)]
    assert not missing


def test_a_proof_that_is_not_there_is_missed() -> None:
    assert not _exists("produce: a batch is refused: no such row")
    assert not _exists("tests/semantics/test_pitfalls.py::test_of_nothing")
