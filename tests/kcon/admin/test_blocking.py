"""The admin client without an event loop."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kcon.admin.blocking import BlockingAdmin
from kcon.admin.settings import AdminSettings
from kcon.core.ids import topic_name
from kcon.core.offset_query import LATEST
from kcon.errors import UnreachableError


def test_questions_one_after_the_other_and_several_at_once(kcon_broker: Any, unique: Callable[[str], str]) -> None:
    name = topic_name(unique("missing"))
    with BlockingAdmin.connect(AdminSettings(bootstrap=(kcon_broker.bootstrap,))) as admin:
        assert admin.call(lambda it: it.cluster()).brokers
        (topic,) = admin.call(lambda it: it.topics([name]))
        assert topic.error is not None
        cluster, ends = admin.call(lambda it: asyncio.gather(it.cluster(), it.list_offsets([], LATEST)))
        assert (len(cluster.brokers), ends) == (1, {})


def test_a_failure_is_the_callers(kcon_broker: Any) -> None:
    async def fail(_admin: object) -> None:
        raise UnreachableError("gone")

    with BlockingAdmin.connect(AdminSettings(bootstrap=(kcon_broker.bootstrap,))) as admin:
        with pytest.raises(UnreachableError, match="gone"):
            admin.call(fail)
        assert admin.call(lambda it: it.cluster()).brokers


def test_an_address_where_nothing_listens_leaves_no_loop_behind() -> None:
    with pytest.raises(UnreachableError, match="refused"):
        BlockingAdmin.connect(AdminSettings(bootstrap=("127.0.0.1:1",)))


def test_inside_an_event_loop_it_refuses(kcon_broker: Any) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="use Admin here"):
            BlockingAdmin.connect(AdminSettings(bootstrap=(kcon_broker.bootstrap,)))

    asyncio.run(main())
