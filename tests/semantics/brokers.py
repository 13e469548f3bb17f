"""How does a program get the two brokers that it compares? As children, unless it is told where they are."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from kcon.services.local_cluster import LocalClusterOptions, resolve_classpath, start_local_cluster


@contextlib.contextmanager
def running_kcon(bootstrap: str | None = None) -> Iterator[str]:
    """Yield the address of our broker: the one given, or one that runs as long as the context."""
    if bootstrap is not None:
        yield bootstrap
        return
    with tempfile.TemporaryDirectory() as folder:
        broker = asyncio.run(start_local_broker(LocalBrokerOptions(data_dir=Path(folder) / "data")))
        try:
            yield broker.bootstrap
        finally:
            asyncio.run(broker.stop())


@contextlib.contextmanager
def running_apache(bootstrap: str | None = None) -> Iterator[str]:
    """Yield the address of an Apache Kafka: the one given, or one that runs as long as the context."""
    if bootstrap is not None:
        yield bootstrap
        return
    with tempfile.TemporaryDirectory() as folder:
        options = LocalClusterOptions(data_dir=Path(folder), dies_with_parent=True)
        node = asyncio.run(start_local_cluster(asyncio.run(resolve_classpath()), options))
        try:
            yield node.bootstrap
        finally:
            asyncio.run(node.stop(grace_s=0))
