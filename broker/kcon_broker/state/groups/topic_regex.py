"""Which topics does a regular expression of a subscription match?

Clients send expressions in RE2's syntax (KIP-848). They are strangers' input on the event loop, so only an engine
whose time is linear in the text will do: Python's own would stall the broker on the first hostile one. The engine
is google-re2, an optional extra; without it such subscriptions are refused, and everything else works.
"""

import importlib
from collections.abc import Iterable
from typing import Protocol

ENGINE_MODULE = "re2"
_PROGRAM_BYTES_MAX = 1 << 20


class TopicRegexError(ValueError):
    """An expression cannot be used; the message says why."""


class TopicRegex(Protocol):
    """A compiled expression."""

    def fullmatch(self, text: str, /) -> object | None:
        """Match the whole text or return None."""
        ...


def compile_topic_regex(regex: str) -> TopicRegex:
    """Compile an expression. Raises TopicRegexError."""
    try:
        engine = importlib.import_module(ENGINE_MODULE)
    except ImportError as error:
        raise TopicRegexError(
            "this broker has no engine for regular expressions; install its extra 'regex' (google-re2), "
            "or subscribe by topic names"
        ) from error
    options = engine.Options()
    options.log_errors = False
    options.max_mem = _PROGRAM_BYTES_MAX
    try:
        compiled: TopicRegex = engine.compile(regex, options)
    except engine.error as error:
        reason = error.args[0] if error.args else "unknown error"
        raise TopicRegexError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from error
    return compiled


def matching_topics(compiled: TopicRegex, names: Iterable[str]) -> frozenset[str]:
    """Return the names that the expression matches as a whole."""
    return frozenset(name for name in names if compiled.fullmatch(name) is not None)
