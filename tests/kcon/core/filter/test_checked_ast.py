"""Reading the engine's expression: torn or foreign bytes are a ValueError, whatever they are."""

import pytest
from cel_expr_python import cel
from hypothesis import example, given
from hypothesis import strategies as st

from kcon.core.filter.checked_ast import Call, Constant, Ident, Select, read_checked


def serialized(text: str) -> bytes:
    data: bytes = cel.NewEnv(variables={"value": cel.Type.DYN}).compile(text).serialize()
    return data


def test_a_comparison_is_a_call_of_a_path_and_a_literal() -> None:
    assert read_checked(serialized("value.a > -5")) == Call("_>_", None, (Select(Ident("value"), "a"), Constant(-5)))


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("null", None),
        ("true", True),
        ("7u", 7),
        ("2.5", 2.5),
        ("'ä'", "ä"),
        ("b'\\xff'", b"\xff"),
        (str(2**63 - 1), 2**63 - 1),
    ],
)
def test_every_kind_of_literal_is_read(literal: str, value: object) -> None:
    root = read_checked(serialized(f"value == {literal}"))
    assert isinstance(root, Call)
    constant = root.arguments[1]
    assert isinstance(constant, Constant)
    assert constant.value == value


def test_torn_bytes_are_refused() -> None:
    whole = serialized("value.a > 1 && value.b == 'x'")
    for size in range(len(whole) // 2):
        with pytest.raises(ValueError):
            read_checked(whole[:size])


@example(b"\x10\x00\x00\x00\x00\x00")
@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_checked(data)
