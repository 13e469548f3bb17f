"""Would brokers take this regular expression in a subscription? Its syntax is RE2's (KIP-848), not Python's."""

import importlib
from typing import Final

from kcon.core.wire_text import display_safe
from kcon.errors import KconError

ENGINE_MODULE: Final = "re2"
PATTERN_CHARS_MAX: Final = 10_000


def fault_of(pattern: str) -> str | None:
    """Return why RE2 does not take an expression, or None. KconError when the engine is not installed."""
    if len(pattern) > PATTERN_CHARS_MAX:
        return f"it is longer than {PATTERN_CHARS_MAX:,} characters"
    try:
        engine = importlib.import_module(ENGINE_MODULE)
    except ImportError as error:
        raise KconError(
            "The engine for RE2's expressions is not installed.", "Install it beside kcon: pip install 'kcon[regex]'."
        ) from error
    options = engine.Options()
    options.log_errors = False
    try:
        engine.compile(pattern, options)
    except engine.error as error:
        told = error.args[0] if error.args else ""
        return display_safe(told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told))
    return None
