"""What does a librdkafka error mean to a user? One function turns its codes into kcon's kinds of errors."""

from typing import Final

import confluent_kafka

from kcon.core.kafka_error import kafka_error
from kcon.core.wire_text import display_safe
from kcon.errors import AuthError, KconError, NotFoundError, UnreachableError

_ERR = confluent_kafka.KafkaError

UNREACHABLE_CODES: Final = frozenset(
    {
        _ERR._ALL_BROKERS_DOWN,
        _ERR._TRANSPORT,
        _ERR._RESOLVE,
        _ERR._TIMED_OUT,
        _ERR._MSG_TIMED_OUT,
        _ERR._TIMED_OUT_QUEUE,
    }
)
AUTH_CODES: Final = frozenset(
    {
        _ERR._AUTHENTICATION,
        _ERR.SASL_AUTHENTICATION_FAILED,
        _ERR.TOPIC_AUTHORIZATION_FAILED,
        _ERR.GROUP_AUTHORIZATION_FAILED,
        _ERR.CLUSTER_AUTHORIZATION_FAILED,
        _ERR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        _ERR._SSL,
    }
)
_NO_PRODUCER_ID: Final = (_ERR.CLUSTER_AUTHORIZATION_FAILED, "WRITE")
MISSING_CODES: Final = frozenset({_ERR._UNKNOWN_TOPIC, _ERR.UNKNOWN_TOPIC_OR_PART, _ERR._UNKNOWN_PARTITION})


def kcon_error(error: "confluent_kafka.KafkaError", what: str, right: str = "") -> KconError:
    """Return the error to raise for a librdkafka error.

    what: the sentence's subject, e.g. "Reading orders". right: the ACL operation that it takes.
    """
    # Producer ids are given to who may write to any topic: without them, WRITE is what lacks (KIP-679).
    code = _ERR.TOPIC_AUTHORIZATION_FAILED if (error.code(), right) == _NO_PRODUCER_ID else error.code()
    lacking = kafka_error(code).lacking(right) if right and code > 0 else None
    if lacking is not None and lacking.detail:
        return AuthError(f"{what} failed: {lacking.detail} ({lacking.name}).", lacking.hint)
    reason = display_safe(error.str())
    message = f"{what} failed: {reason} ({error.name()})."
    code = error.code()
    if code in UNREACHABLE_CODES:
        return UnreachableError(message, "Check the addresses that the brokers advertise.")
    if code in AUTH_CODES:
        return AuthError(message)
    if code in MISSING_CODES:
        return NotFoundError(message)
    return KconError(message)
