"""What a person types is compiled without a warning, or refused."""

import re

import pytest

from kcon.core.typed_regex import compile_typed


@pytest.mark.parametrize("text", ["[[a]", "[a&&b]", "[a||b]", "a.*b"])
def test_nothing_is_warned_of(text: str) -> None:
    assert compile_typed(text).pattern == text


def test_flags_count() -> None:
    assert compile_typed("A", re.IGNORECASE).match("a")


def test_what_is_no_expression_is_an_error() -> None:
    with pytest.raises(re.error):
        compile_typed("[")
