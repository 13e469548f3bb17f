"""What the tests of the wire share."""

from collections.abc import Callable

import pytest

from tests.kcon_broker.wire.message_maker import MessageMaker


@pytest.fixture(scope="session")
def maker() -> Callable[[int], MessageMaker]:
    """Return the maker for a seed."""
    return MessageMaker
