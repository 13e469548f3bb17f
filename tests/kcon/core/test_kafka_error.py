"""Kafka's error codes: the table equals the codec's, and each kind has its exit code."""

import pytest
from kio.schema.errors import ErrorCode

from kcon.core.kafka_error import kafka_error, known_errors
from kcon.errors import ExitCode


def test_table_equals_the_codecs() -> None:
    ours = {error.code: (error.name, error.retriable) for error in known_errors()}
    theirs = {e.value: (e.name.upper(), e.retriable) for e in ErrorCode if e.value != 0}
    assert ours == theirs


def test_code_newer_than_the_table_keeps_its_number() -> None:
    error = kafka_error(9_999)
    assert (error.code, error.name, error.retriable) == (9_999, "UNKNOWN_ERROR_9999", False)


def test_detail_is_shown_behind_the_name() -> None:
    assert str(kafka_error(36, "Topic 'x' already exists.")) == "TOPIC_ALREADY_EXISTS: Topic 'x' already exists."
    assert str(kafka_error(36)) == "TOPIC_ALREADY_EXISTS"


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        (29, ExitCode.AUTH),
        (58, ExitCode.AUTH),
        (3, ExitCode.NOT_FOUND),
        (69, ExitCode.NOT_FOUND),
        (68, ExitCode.REFUSED),
        (7, ExitCode.UNREACHABLE),
        (13, ExitCode.UNREACHABLE),
        (36, ExitCode.FAILED),
        (9_999, ExitCode.FAILED),
    ],
)
def test_exit_code_of_a_single_cause(code: int, exit_code: ExitCode) -> None:
    error = kafka_error(code).as_exception("topic orders")
    assert error.exit_code is exit_code
    assert error.message.startswith("topic orders: ")


def test_zero_is_not_an_error() -> None:
    with pytest.raises(AssertionError):
        kafka_error(0)
