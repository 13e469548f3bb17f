"""CEL filters: closures answer as the engine does, errors are values, and hostile input ends nothing."""

import builtins
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kcon.core.filter.engine import EXPRESSION_CHARS_MAX, VariableType, compile_filter, engine_predicate
from kcon.core.filter.outcome import FilterError, FilterErrors, Verdict
from kcon.errors import KconError, UsageError

PUBLISHED: dict[str, VariableType] = {"value": "dyn", "key": "dyn", "offset": "int", "topic": "string"}


def ask(text: str, value: Any, **more: Any) -> Verdict:
    compiled = compile_filter(text, PUBLISHED)
    return compiled.matches({"value": value, "key": None, "offset": 0, "topic": "t", **more})


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("value.a > 100", {"a": 101}, True),
        ("value.a > 100", {"a": 100}, False),
        ("100 < value.a", {"a": 100.5}, True),
        ("value.a.b == 'x' && value.n in [1, 2]", {"a": {"b": "x"}, "n": 2}, True),
        ("!(value.a == null)", {"a": 0}, True),
        ("value['x-y'].startsWith('a')", {"x-y": "ab"}, True),
        ("has(value.a) || value.b > 1", {"b": 2}, True),
        ("value.exists(x, x > 3)", [1, 5], True),
        ("value.a.matches('^[a-c]+$')", {"a": "abca"}, True),
        ("value.a + value.b == 3", {"a": 1, "b": 2, "c": "\ud800"}, True),
        ("value[0] == 'x'", ["x"], True),
    ],
)
def test_an_expression_answers(text: str, value: Any, expected: bool) -> None:
    assert ask(text, value) is expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("value.a > 1", {}),
        ("value.a > 1", {"a": "2"}),
        ("value.a > 1", "text"),
        ("value.a > 1", None),
        ("value.a > 1", {"a": 2**64}),
        ("value.a + 1 > 1", {"a": 2**64}),
        ("value.a.matches('x')", {"a": 1}),
        ("value.a", {"a": 1}),
        ("value.a.b", ["a"]),
    ],
)
def test_a_missing_field_or_another_type_is_an_error_and_no_match(text: str, value: Any) -> None:
    assert isinstance(ask(text, value), FilterError)


def test_one_side_that_decides_makes_up_for_an_error_on_the_other() -> None:
    assert ask("value.a > 1 || offset == 0", {}) is True
    assert ask("value.a > 1 && offset == 1", {}) is False
    assert isinstance(ask("value.a > 1 && offset == 0", {}), FilterError)


def test_only_what_is_named_is_asked_for() -> None:
    assert compile_filter("offset > 1", PUBLISHED).variables == {"offset"}
    assert compile_filter("value.a > 1 && topic == 't'", PUBLISHED).variables == {"value", "topic"}
    assert compile_filter("size(value) > 1", PUBLISHED).variables == {"value"}


@pytest.mark.parametrize("hostile", ["\ud800", "a\udfffb", "x\0y", "\x1b]0;owned\x07", "\U0010ffff"])
def test_a_text_that_the_engine_cannot_hold_is_no_crash(hostile: str) -> None:
    assert ask("value.a.matches('never-this')", {"a": hostile}) is False
    assert ask("value.exists(k, k == 'never-this')", {hostile: hostile}) is False
    # A text must not match what only its beginning is.
    assert ask("value.a.matches('^x$')", {"a": "x\0y"}) is False


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("value.a >", "Syntax error"),
        ("valu.a > 1", "undeclared reference to 'valu"),
        ("offset + 1", "must say yes or no"),
        ("topic == 1", "no matching overload"),
        ("'\x1b]0;x' ++", "Syntax error"),
        ("offset" + " " * EXPRESSION_CHARS_MAX, "longer than"),
        ("", "Syntax error"),
        ("__import__('os').system('true')", "undeclared reference"),
    ],
)
def test_what_is_no_filter_is_a_usage_error(text: str, part: str) -> None:
    with pytest.raises(UsageError) as raised:
        compile_filter(text, PUBLISHED)
    assert part in raised.value.message
    assert raised.value.message.isprintable()


def test_a_slip_in_a_variable_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError) as raised:
        compile_filter("valeu.a > 1", PUBLISHED)
    assert raised.value.hint.startswith("Did you mean value?")


def test_an_expression_as_long_as_allowed_is_read() -> None:
    text = "offset == 0".ljust(EXPRESSION_CHARS_MAX)
    assert ask(text, None) is True


def test_without_the_engine_one_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("cel_expr_python"):
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(KconError) as raised:
        compile_filter("offset > 1", PUBLISHED)
    assert "pip install 'kcon[cel]'" in raised.value.hint


def test_errors_are_counted_by_reason() -> None:
    errors = FilterErrors()
    assert errors.sentence() is None
    for reason in ["no a", "no a", "no b"]:
        errors.add(FilterError(reason))
    assert errors.sentence() == (
        "3 records were no match because --where could not be answered: no a (2); 1 for other reasons."
    )


def test_reasons_do_not_grow_without_bound() -> None:
    errors = FilterErrors()
    for number in range(1_000):
        errors.add(FilterError(f"reason {number}"))
    assert errors.total == 1_000
    assert len(errors.reasons) == 21
    assert errors.reasons["other"] == 980


_LITERALS = ["1", "-3", "2.5", "0.0", '"a"', '"b"', "true", "false", "null", "1u"]
_PATHS = ["value.a", "value.b.c", 'value["a"]', "offset", "key", "topic"]
_COMPARISONS = st.one_of(
    st.builds("{} {} {}".format, st.sampled_from(_PATHS), st.sampled_from(["==", "!="]), st.sampled_from(_LITERALS)),
    st.builds(
        "{} {} {}".format,
        st.sampled_from(_PATHS[:3]),
        st.sampled_from(["<", "<=", ">", ">="]),
        st.sampled_from(_LITERALS[:8]),
    ),
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["1", "2.5", '"a"']),
        st.sampled_from(["<", ">=", "=="]),
        st.sampled_from(_PATHS[:3]),
    ),
    st.builds(
        "{} in [{}, {}]".format, st.sampled_from(_PATHS[:3]), *[st.sampled_from([*_LITERALS[:2], '"a"', "true"])] * 2
    ),
    st.builds(
        "{}.{}({})".format,
        st.sampled_from(_PATHS[:3]),
        st.sampled_from(["startsWith", "endsWith", "contains"]),
        st.sampled_from(['"a"', '""']),
    ),
    st.sampled_from(["has(value.a)", "has(value.b.c)"]),
)
_EXPRESSIONS = st.recursive(
    _COMPARISONS,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=4,
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-4, 4),
    st.sampled_from(
        [2**53, -(2**63), 2**63 - 1, 2**63, 2**64, 2.5, 1.0, -0.0, float("nan"), "a", "b", "ab", "", "ä\U0001f600"]
    ),
)
_VALUES = st.one_of(
    _SCALARS,
    st.lists(_SCALARS, max_size=2),
    st.dictionaries(
        st.sampled_from(["a", "b", "x"]),
        st.one_of(_SCALARS, st.dictionaries(st.sampled_from(["c", "d"]), _SCALARS)),
        max_size=3,
    ),
)


@settings(max_examples=250, deadline=None)
@given(text=_EXPRESSIONS, values=st.lists(_VALUES, min_size=1, max_size=6))
def test_a_closure_answers_as_the_engine_does(text: str, values: list[Any]) -> None:
    """The closures are a short cut, so the engine is their oracle: match, no match or error, each the same."""
    try:
        compiled = compile_filter(text, PUBLISHED)
    except UsageError:
        return  # A typed variable beside a literal of another type.
    asked = engine_predicate(text, PUBLISHED)
    for value in values:
        variables = {"value": value, "key": value if isinstance(value, str) else None, "offset": 1, "topic": "a"}
        closure, engine = compiled.matches(variables), asked(variables)
        if isinstance(engine, FilterError):
            assert isinstance(closure, FilterError), (text, value, engine)
        else:
            assert closure is engine, (text, value)


def test_simple_comparisons_run_without_the_engine() -> None:
    assert compile_filter("value.a > 1 && value.b.c == 'x' || !has(value.d)", PUBLISHED).is_simple
    assert not compile_filter("value.a + 1 > 1", PUBLISHED).is_simple
    # Beyond 2**53 the engine compares doubles, inexactly: only it can say what it says.
    assert compile_filter(f"value.a > {2**53}", PUBLISHED).is_simple
    assert not compile_filter(f"value.a > {2**53 + 1}", PUBLISHED).is_simple
