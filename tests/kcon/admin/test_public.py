"""The admin client as a library: the example in its docstring runs, and its public names are there."""

import re

import pytest

import kcon.admin
from tests.answering_broker import AnsweringBroker


def test_the_example_in_the_docstring_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert kcon.admin.__doc__ is not None
    lines = [line[4:] for line in kcon.admin.__doc__.splitlines() if line.startswith("    ") or not line]
    with AnsweringBroker(("orders",), fixed={"partitions": ()}) as broker:
        example = re.sub(r'"localhost:9092"', repr(broker.address), "\n".join(lines)).strip()
        exec(example, {"__name__": "example"})
    assert "orders 0\n" in capsys.readouterr().out


def test_public_names_are_there_and_no_others() -> None:
    for name in kcon.admin.__all__:
        assert getattr(kcon.admin, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = kcon.admin.nope
