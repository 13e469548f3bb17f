"""Nothing that prints, logs, copies or fails may show a secret."""

import logging
import pickle
import traceback
from copy import deepcopy

import pytest

from kcon.contexts.secret import Secret

CANARY = "canary-4711"


def test_only_reveal_shows_it() -> None:
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{[secret]} {(secret,)!r}",
        "{} {!r}".format(*[secret, secret]),
    ]
    assert not any(CANARY in text for text in shown)
    assert secret.reveal() == CANARY


def test_logs_and_tracebacks_do_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    try:
        logging.getLogger("kcon.test").error("failed for %s", secret)
        raise ValueError(secret)
    except ValueError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert CANARY not in caplog.text + text.replace(repr(CANARY), "")


def test_it_is_neither_copied_out_nor_hashed() -> None:
    for attempt in (pickle.dumps, deepcopy, hash):
        with pytest.raises(TypeError):
            attempt(Secret(CANARY))
    assert not hasattr(Secret(CANARY), "__dict__")


def test_equality_is_by_text_and_never_with_bare_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")
