"""The metrics of a cluster between looks: the last values stay when a look fails, and say that they are old."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from kcon.core.kafka_error import kafka_error
from kcon.errors import UnreachableError
from kcon.services.metrics import Metrics, MetricsOptions


def lines(metrics: Metrics) -> list[str]:
    return [line for line in metrics.text().decode().splitlines() if not line.startswith("#")]


def test_before_the_first_look_it_is_not_up(orders: Any, on_session: Any) -> None:
    assert lines(Metrics(on_session.session())) == ["kcon_up 0"]


def test_a_failed_look_leaves_the_last_values_and_says_so(orders: Any, on_session: Any) -> None:
    orders.requests_sent = Counter()
    orders.answers["probe_times"] = {}

    async def main() -> None:
        async with on_session.session() as session:
            metrics = Metrics(session)
            await metrics.look()
            assert "kcon_up 1" in lines(metrics)
            assert 'kafka_consumergroup_lag{consumergroup="billing",topic="orders",partition="0"} 40' in lines(metrics)
            last = next(line for line in lines(metrics) if line.startswith("kcon_last_success"))

            async def topics() -> None:
                raise UnreachableError("Nobody answers.")

            orders.topics = topics
            with pytest.raises(UnreachableError):
                await metrics.look()
            assert metrics.problem == "Nobody answers."
            assert {"kcon_up 0", last} <= set(lines(metrics))
            assert 'kafka_consumergroup_lag{consumergroup="billing",topic="orders",partition="0"} 40' in lines(metrics)

    asyncio.run(main())


def test_the_first_look_probes_so_that_the_second_knows_the_time(orders: Any, on_session: Any) -> None:
    asked: list[Any] = []

    def probe(places: Any) -> Any:
        asked.append(dict(places))
        return dict.fromkeys(places, kafka_error(29))

    orders.requests_sent = Counter()
    orders.answers["probe_times"] = probe

    async def main() -> None:
        async with on_session.session() as session:
            metrics = Metrics(session, MetricsOptions(static_labels=(("env", "test"),)))
            await metrics.look()
            assert 'kcon_up{env="test"} 1' in lines(metrics)

    asyncio.run(main())
    assert len(asked) == 1
