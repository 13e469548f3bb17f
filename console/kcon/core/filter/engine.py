"""How does a CEL text become a predicate? The one module that loads the CEL engine, which is an extra.

Never Python's `eval`. The engine gets only the paths that the expression names; comparisons with literals do
without it (`closures`). Whatever it answers but `true` is no match; an error of its is a FilterError.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from kcon.core.filter.checked_ast import Call, Constant, Ident, ListOf, Node, Other, Select, children, read_checked
from kcon.core.filter.closures import compile_closure, path_of
from kcon.core.filter.outcome import REASON_CHARS_MAX, FilterError, Predicate, Variables, Verdict
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, UsageError

ENGINE_MISSING: Final = "--where needs the CEL engine, which is not installed."
ENGINE_HINT: Final = "Install it beside kcon: pip install 'kcon[cel]'."
EXPRESSION_CHARS_MAX: Final = 10_000

FIT: Final = "\0fit"
"""A variable besides the published ones: the names of those whose texts hold neither NUL nor surrogates (a frozenset).

Whoever has the bytes knows that at once; looking through the values costs as much as reading them.
"""

VariableType = Literal["dyn", "int", "string", "timestamp", "map"]
_Tree = dict[str, Any]
"""Paths as nested dicts; an empty one is "all of it"."""

# The engine ends with an exception at a surrogate, and a text ends for it at a NUL.
_UNFIT: Final = re.compile("[\ud800-\udfff\0]")
_REPLACEMENT: Final = "\ufffd"
_STATUS: Final = re.compile(r"^[A-Z_]+: (?:ERROR: <input>:)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A compiled expression."""

    text: str
    matches: Predicate
    variables: frozenset[str]
    """The published variables that it uses: the others need not be computed."""
    is_simple: bool
    """It runs without the engine."""
    whole: frozenset[str] = frozenset()
    """The variables that go to the engine with everything in them; for these FIT is worth telling."""


def compile_filter(text: str, published: Mapping[str, VariableType]) -> Filter:
    """Compile an expression over variables. UsageError: not CEL, or no such variable; KconError: no engine."""
    expression = _compile(text, published)
    kind = expression.return_type().name()
    if kind not in {"BOOL", "DYN"}:
        raise UsageError(f"--where must say yes or no, and this is a {kind.lower()}: {display_safe(text)}")
    root = read_checked(expression.serialize())
    closure = compile_closure(root)
    tree: _Tree = {}
    _collect(root, tree)
    used = frozenset(tree) & set(published)
    if closure is not None:
        return Filter(text=text, matches=closure, variables=used, is_simple=True)
    trees = {name: tree[name] for name in used}
    whole = frozenset(name for name in used if _WHOLE in tree[name])
    predicate = _engine_predicate(expression, trees)
    return Filter(text=text, matches=predicate, variables=used, is_simple=False, whole=whole)


def engine_predicate(text: str, published: Mapping[str, VariableType]) -> Predicate:
    """Return the predicate that always asks the engine: what the closures are compared with."""
    expression = _compile(text, published)
    tree: _Tree = {}
    _collect(read_checked(expression.serialize()), tree)
    return _engine_predicate(expression, {name: tree[name] for name in frozenset(tree) & set(published)})


def _compile(text: str, published: Mapping[str, VariableType]) -> Any:
    try:
        from cel_expr_python import cel
        from cel_expr_python.ext import ext_math, ext_strings
    except ImportError as error:
        raise KconError(ENGINE_MISSING, ENGINE_HINT) from error
    if len(text) > EXPRESSION_CHARS_MAX:
        raise UsageError(f"--where is longer than {EXPRESSION_CHARS_MAX:,} characters.")
    types = {
        "dyn": cel.Type.DYN,
        "int": cel.Type.INT,
        "string": cel.Type.STRING,
        "timestamp": cel.Type.TIMESTAMP,
        "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    }
    env = cel.NewEnv(
        variables={name: types[kind] for name, kind in published.items()},
        extensions=[ext_strings.ExtStrings(), ext_math.ExtMath()],
    )
    try:
        return env.compile(text)
    except RuntimeError as error:
        raise UsageError(f"--where is not CEL: {_reason(str(error))}.", _hint(str(error), published)) from error


def _reason(message: str) -> str:
    """Return the engine's first line without its status word and position."""
    line = _STATUS.sub("", message.strip().split("\n", 1)[0])
    line = line.split(" [", 1)[0] if line.endswith("]") else line
    return display_safe(line.replace(" (in container '')", ""))[:REASON_CHARS_MAX].rstrip(". ")


def _hint(message: str, published: Mapping[str, VariableType]) -> str:
    from difflib import get_close_matches

    undeclared = re.search(r"undeclared reference to '([^']*)'", message)
    known = f"The variables are {', '.join(published)}."
    if undeclared is None:
        return 'Write e.g. value.amount > 100 && key.startsWith("a"). ' + known
    near = get_close_matches(undeclared[1].split(".")[0], published, n=1)
    return (f"Did you mean {near[0]}? " if near else "") + known


def _collect(node: Node, tree: _Tree) -> None:
    """Add every path that the expression names; a longer path below one that is wanted whole changes nothing."""
    tested = isinstance(node, Select) and node.is_test
    path = path_of(node.operand) if isinstance(node, Select) and tested else path_of(node)
    if path is not None:
        _add(tree, (*path, node.field) if isinstance(node, Select) and tested else path)
        return
    match node:
        case Call() | Select() | ListOf() | Other():
            for child in children(node):
                _collect(child, tree)
        case Constant() | Ident():
            return


_WHOLE: Final = "\0whole"
"""The mark of a branch that is wanted whole; no field can have this name, as the engine ends texts at a NUL."""


def _add(tree: _Tree, path: tuple[str, ...]) -> None:
    for step in path:
        if _WHOLE in tree:
            return
        tree = tree.setdefault(step, {})
    tree.clear()
    tree[_WHOLE] = {}


def _project(value: Any, tree: _Tree) -> Any:
    if _WHOLE in tree:
        return _fit(value)
    if type(value) is not dict:
        # A text where an object was meant: the engine says so, and needs no more of it.
        return None if isinstance(value, dict | list | str | bytes) else value
    return {name: _project(value[name], inner) for name, inner in tree.items() if name in value}


def _fit(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return _UNFIT.sub(_REPLACEMENT, value) if not value.isascii() or "\0" in value else value
    if kind is dict:
        return {_fit(name): _fit(part) for name, part in value.items()}
    if kind is list:
        return [_fit(part) for part in value]
    return value


def _engine_predicate(expression: Any, trees: Mapping[str, _Tree]) -> Predicate:
    evaluate: Callable[..., Any] = expression.eval
    items = tuple(trees.items())
    whole = frozenset(name for name, tree in items if _WHOLE in tree)

    def matches(variables: Variables) -> Verdict:
        as_it_is = whole & variables[FIT] if whole and FIT in variables else ()
        try:
            answer = evaluate(
                data={
                    name: variables[name] if name in as_it_is else _project(variables[name], tree)
                    for name, tree in items
                }
            )
            value = answer.value()
        except (RuntimeError, ValueError, TypeError, OverflowError, RecursionError) as error:
            return FilterError(_reason(str(error)))
        if isinstance(value, bool):
            return value
        if answer.type().name() == "ERROR":
            return FilterError(_reason(str(value)))
        return FilterError("the answer is neither true nor false")

    return matches
