"""May a config have this value, and how does Apache Kafka print it?

What is valid is said in the words of Kafka's documentation, `[1,...,9]` for a range and `[a, b]` for a choice; they
are read here (`ConfigDef.Range`, `ValidString`, `ValidList` and their like).
"""

import math
import re
from collections.abc import Callable
from functools import cache

from kcon_broker.state.configs.definitions import ConfigDefinition, ConfigType

LONG_MAX = (1 << 63) - 1
INT_MAX = (1 << 31) - 1
SHORT_MAX = (1 << 15) - 1

Value = int | float | str | list[str]
Check = Callable[[str, Value], str | None]
"""Say what a parsed value must be, None when it is."""

_INTEGER_MAX = {ConfigType.SHORT: SHORT_MAX, ConfigType.INT: INT_MAX, ConfigType.LONG: LONG_MAX}
_PLAIN_MIN, _PLAIN_END = 1e-3, 1e7
"""Java prints numbers outside with an exponent (`Double.toString`)."""
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_RANGE = re.compile(r"\[(?P<low>-?[0-9.]+),\.\.\.(?:,(?P<high>-?[0-9.]+))?\](?P<or_minus_1> or -1)?\Z")
_CHOICE = re.compile(r"\[(?P<allowed>[A-Za-z0-9_]+(?:, [A-Za-z0-9_]+)*)\]\Z")
_REPLICAS = "[partitionId]:[brokerId],[partitionId]:[brokerId],..."
_OFFSET_RESET = "[latest, earliest, by_duration:PnDTnHnMn.nS]"
_DURATION = re.compile(
    r"by_duration:P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d{0,9})?S)?)?\Z", re.IGNORECASE
)


class InvalidConfigError(Exception):
    """A config has an unknown name or an impossible value; the message is for the client."""


def parse_value(definition: ConfigDefinition, text: str) -> Value:
    """Return the value that a text means, without judging it; raises InvalidConfigError."""
    text = text.strip()
    match definition.type:
        case ConfigType.BOOLEAN:
            if text.lower() not in ("true", "false"):
                raise _invalid(definition, text, "Expected value to be either true or false")
            return text.lower()
        case ConfigType.SHORT | ConfigType.INT | ConfigType.LONG:
            high = _INTEGER_MAX[definition.type]
            if not _INTEGER.match(text) or not -high - 1 <= int(text) <= high:
                raise _invalid(definition, text, f"Not a number of type {definition.type.name}")
            return int(text)
        case ConfigType.DOUBLE:
            try:
                return float(text)
            except ValueError as error:
                raise _invalid(definition, text, "Not a number of type DOUBLE") from error
        case ConfigType.LIST:
            return [entry.strip() for entry in text.split(",")] if text else []
        case _:
            return text


def check_value(definition: ConfigDefinition, text: str) -> Value:
    """Return the value that a text means; raises InvalidConfigError when the config cannot have it."""
    value = parse_value(definition, text)
    check = check_of(definition.valid)
    if check is not None and (problem := check(definition.name, value)) is not None:
        raise _invalid(definition, str(value) if isinstance(value, float) else text, problem)
    return value


def canonical(definition: ConfigDefinition, text: str) -> str:
    """Return a valid value as Kafka tells it: parsed, and printed again (`ConfigDef.convertToString`)."""
    value = parse_value(definition, text)
    return ",".join(value) if isinstance(value, list) else java_text(value)


def java_text(value: int | float | str) -> str:
    """Return a number, or a text, as Java prints it."""
    if not isinstance(value, float):
        return str(value)
    if value == 0 or not math.isfinite(value) or _PLAIN_MIN <= abs(value) < _PLAIN_END:
        return repr(value).replace("inf", "Infinity").replace("nan", "NaN")
    shortest = min((f"{value:.{places}e}" for places in range(1, 17) if float(f"{value:.{places}e}") == value), key=len)
    mantissa, _, exponent = shortest.partition("e")
    return f"{mantissa}E{int(exponent)}"


def parse_integer(text: str) -> int:
    """Return what Java's `Integer.parseInt` reads in a text; raises ValueError, also for spaces around it."""
    if not _INTEGER.match(text):
        raise ValueError(text)
    return int(text)


def _invalid(definition: ConfigDefinition, text: str, problem: str) -> InvalidConfigError:
    return InvalidConfigError(f"Invalid value {text} for configuration {definition.name}: {problem}")


@cache
def check_of(valid: str) -> Check | None:
    """Return what judges values by these words of the documentation; None: nothing that this broker can judge."""
    if found := _RANGE.match(valid):
        low, high = found["low"], found["high"]
        between = _between(float(low) if "." in low else int(low), float(high) if high else None)
        if not found["or_minus_1"]:
            return between
        problem = f"Value must be between {low} and {high} or equal to -1"
        return lambda name, value: None if value == -1 or between(name, value) is None else problem
    if valid == _REPLICAS:
        return _throttled_replicas
    if valid == _OFFSET_RESET:
        return _offset_reset
    if found := _CHOICE.match(valid):
        return _chosen(found["allowed"].split(", "))
    return None


def _between(low: float, high: float | None) -> Check:
    def check(name: str, value: Value) -> str | None:
        assert isinstance(value, int | float)
        if value < low:
            return f"Value must be at least {low}"
        return f"Value must be no more than {high:g}" if high is not None and value > high else None

    return check


def _chosen(allowed: list[str]) -> Check:
    def check(name: str, value: Value) -> str | None:
        entries = value if isinstance(value, list) else [value]
        if any(entry not in allowed for entry in entries):
            return f"String must be one of: {', '.join(allowed)}"
        return "Entries must not repeat" if len(set(entries)) != len(entries) else None

    return check


def _throttled_replicas(name: str, value: Value) -> str | None:
    assert isinstance(value, list)
    if value in ([], ["*"]):
        return None
    for entry in value:
        partition, separator, broker = entry.partition(":")
        if not (separator and partition.isdigit() and broker.isdigit()):
            return "must be the literal '*' or a list of replicas in the form [partitionId]:[brokerId],..."
    return None


def _offset_reset(name: str, value: Value) -> str | None:
    assert isinstance(value, str)
    if value in ("latest", "earliest") or _DURATION.match(value):
        return None
    return "The value must be earliest, latest or by_duration:PnDTnHnMn.nS"
