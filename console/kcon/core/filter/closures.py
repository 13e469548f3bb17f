"""Which filters need no engine? Comparisons of fields with literals, and their combinations, as Python closures.

A closure answers exactly as the engine does, errors included (a test compares the two); what it cannot promise
that for is left to the engine: `compile_closure` then returns None.
"""

import operator
from collections.abc import Callable
from typing import Any, Final

from kcon.core.filter.checked_ast import Call, Constant, Ident, ListOf, Node, Select
from kcon.core.filter.outcome import FilterError, Predicate, Variables

_Getter = Callable[[Variables], Any]

INT64_MIN: Final = -(2**63)
UINT64_MAX: Final = 2**64 - 1
"""An int above the signed range is an unsigned one for the engine; beyond this there is none."""
EXACT_DOUBLE_MAX: Final = 2**53
"""The engine compares an int with a double as doubles; beyond this they are not exact, so the engine decides."""

_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
}
_MIRRORED: Final = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_", "_==_": "_==_", "_!=_": "_!=_"}
_TEXT_TESTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}
_LITERALS: Final = (bool, int, float, str, type(None))
_OTHER_TYPE: Final = FilterError("a value is of another type")
_BIG_NUMBER: Final = FilterError("a number is larger than 64 bits")


def compile_closure(node: Node) -> Predicate | None:
    """Return a closure that answers as the engine does, or None."""
    match node:
        case Call("_&&_", None, (left, right)):
            return _both(compile_closure(left), compile_closure(right))
        case Call("_||_", None, (left, right)):
            return _either(compile_closure(left), compile_closure(right))
        case Call("!_", None, (inner,)):
            return _negated(compile_closure(inner))
        case Call("_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_" as name, None, (left, right)):
            if isinstance(left, Constant):
                return _comparison(_MIRRORED[name], right, left)
            return _comparison(name, left, right)
        case Call("@in", None, (item, ListOf(elements))):
            return _membership(item, elements)
        case Call("startsWith" | "endsWith" | "contains" as name, target, (Constant(str() as text),)):
            return None if target is None else _text_test(name, target, text)
        case Select(is_test=True):
            return _presence(node)
        case _:
            return None


def path_of(node: Node) -> tuple[str, ...] | None:
    """Return `("value", "user", "id")` for `value.user.id` or `value["user"].id`; None when it is no such path."""
    match node:
        case Ident(name):
            return (name,)
        case Select(operand=operand, field=field, is_test=False):
            inner = path_of(operand)
        case Call("_[_]", None, (operand, Constant(str() as field))):
            inner = path_of(operand)
        case _:
            return None
    return None if inner is None else (*inner, field)


def _getter(path: tuple[str, ...]) -> _Getter:
    """Return what fetches a path: the value, or a FilterError. Types no JSON document has are the engine's."""
    name, *fields = path
    missing = FilterError(f"there is no {'.'.join(path)}")
    if not fields:
        return operator.itemgetter(name)
    if len(fields) == 1:
        (field,) = fields

        def get_one(variables: Variables) -> Any:
            try:
                return variables[name][field]
            except (KeyError, TypeError):
                return missing

        return get_one

    def get(variables: Variables) -> Any:
        try:
            found = variables[name]
            for field in fields:
                found = found[field]
        except (KeyError, TypeError):
            return missing
        return found

    return get


def _comparison(name: str, left: Node, right: Node) -> Predicate | None:
    path = path_of(left)
    if path is None or not isinstance(right, Constant) or type(right.value) not in _LITERALS:
        return None
    value = right.value
    if type(value) is int and abs(value) > EXACT_DOUBLE_MAX:
        return None
    if name in _ORDERS:
        return _ordering(_getter(path), _ORDERS[name], value)
    return _equality(_getter(path), value, wanted=name == "_==_")


def _ordering(get: _Getter, compare: Callable[[Any, Any], bool], value: Any) -> Predicate | None:
    if value is None:
        return None
    if type(value) in {bool, str}:
        kind = type(value)

        def ordered(variables: Variables) -> bool | FilterError:
            found = get(variables)
            if type(found) is kind:
                return compare(found, value)
            return _not_comparable(found)

        return ordered
    as_double = float(value)
    is_double = type(value) is float

    def ordered_number(variables: Variables) -> bool | FilterError:
        found = get(variables)
        kind = type(found)
        if kind is int:
            if INT64_MIN <= found <= UINT64_MAX:
                return compare(float(found) if is_double else found, value)
            return _BIG_NUMBER
        if kind is float:
            return compare(found, as_double)
        return _not_comparable(found)

    return ordered_number


def _not_comparable(found: Any) -> FilterError:
    return found if type(found) is FilterError else _OTHER_TYPE


def _equality(get: _Getter, value: Any, *, wanted: bool) -> Predicate:
    kind = type(value)
    is_number = kind in {int, float}

    def equals(variables: Variables) -> bool | FilterError:
        found = get(variables)
        found_kind = type(found)
        if found_kind is kind and found_kind is not int:
            return (found == value) is wanted
        if found_kind is FilterError:
            error: FilterError = found
            return error
        if found_kind is int:
            if not INT64_MIN <= found <= UINT64_MAX:
                return _BIG_NUMBER
            return (is_number and (float(found) if kind is float else found) == value) is wanted
        return (is_number and found_kind is float and found == value) is wanted

    return equals


def _membership(item: Node, elements: tuple[Node, ...]) -> Predicate | None:
    path = path_of(item)
    values = [element.value for element in elements if isinstance(element, Constant)]
    if path is None or len(values) != len(elements) or any(type(value) not in {str, int, bool} for value in values):
        return None
    if any(type(value) is int and abs(value) > EXACT_DOUBLE_MAX for value in values):
        return None
    get = _getter(path)
    texts = frozenset(value for value in values if type(value) is str)
    numbers = frozenset(value for value in values if type(value) is int)
    truths = frozenset(value for value in values if type(value) is bool)

    def is_in(variables: Variables) -> bool | FilterError:
        found = get(variables)
        kind = type(found)
        if kind is str:
            return found in texts
        if kind is int:
            return found in numbers if INT64_MIN <= found <= UINT64_MAX else _BIG_NUMBER
        if kind is float:
            return found in numbers
        if kind is bool:
            return found in truths
        if kind is FilterError:
            error: FilterError = found
            return error
        return False

    return is_in


def _text_test(name: str, target: Node, text: str) -> Predicate | None:
    path = path_of(target)
    if path is None:
        return None
    get, test = _getter(path), _TEXT_TESTS[name]

    def tested(variables: Variables) -> bool | FilterError:
        found = get(variables)
        if type(found) is str:
            return test(found, text)
        return _not_comparable(found)

    return tested


def _presence(node: Select) -> Predicate | None:
    path = path_of(node.operand)
    if path is None:
        return None
    get, field = _getter(path), node.field

    def is_there(variables: Variables) -> bool | FilterError:
        found = get(variables)
        if type(found) is dict:
            return field in found
        return _not_comparable(found)

    return is_there


def _both(left: Predicate | None, right: Predicate | None) -> Predicate | None:
    if left is None or right is None:
        return None

    def both(variables: Variables) -> bool | FilterError:
        # In CEL an error on one side is forgotten when the other side decides.
        first = left(variables)
        if first is False:
            return False
        second = right(variables)
        return second if first is True or second is False else first

    return both


def _either(left: Predicate | None, right: Predicate | None) -> Predicate | None:
    if left is None or right is None:
        return None

    def either(variables: Variables) -> bool | FilterError:
        first = left(variables)
        if first is True:
            return True
        second = right(variables)
        return second if first is False or second is True else first

    return either


def _negated(inner: Predicate | None) -> Predicate | None:
    if inner is None:
        return None

    def negated(variables: Variables) -> bool | FilterError:
        answer = inner(variables)
        return answer if type(answer) is FilterError else not answer

    return negated
