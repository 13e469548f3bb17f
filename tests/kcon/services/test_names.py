"""Names: globs, regular expressions, and plain names that do not exist."""

import pytest

from kcon.core.ids import topic_name
from kcon.errors import UsageError
from kcon.services.names import is_pattern, select_names

EXISTING = [topic_name(name) for name in ("orders", "orders.dlq", "clicks", "a+b")]


@pytest.mark.parametrize(
    ("patterns", "regex", "names", "missing"),
    [
        (None, False, ["orders", "orders.dlq", "clicks", "a+b"], []),
        ([], False, [], []),
        (["orders"], False, ["orders"], []),
        (["orders*"], False, ["orders", "orders.dlq"], []),
        (["o*", "*s"], False, ["orders", "orders.dlq", "clicks"], []),
        (["nope", "clicks"], False, ["clicks"], ["nope"]),
        (["nope*"], False, [], []),
        (["a+b"], False, ["a+b"], []),
        (["a+b"], True, [], []),
        ([r"orders(\..*)?"], True, ["orders", "orders.dlq"], []),
        (["order"], True, [], []),
    ],
)
def test_select_names(patterns: list[str] | None, regex: bool, names: list[str], missing: list[str]) -> None:
    selection = select_names(EXISTING, patterns, regex=regex)
    assert [name.raw for name in selection.names] == names
    assert selection.missing == missing


def test_a_broken_regular_expression_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="Not a regular expression"):
        select_names(EXISTING, ["("], regex=True)


def test_is_pattern() -> None:
    assert [is_pattern(text, regex=False) for text in ("a", "a*", "a?", "[a]")] == [False, True, True, True]
    assert is_pattern("a", regex=True)
