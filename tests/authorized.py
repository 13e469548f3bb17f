"""Both brokers in another set-up: with an authorizer, for which everybody may do everything; nobody uses them yet."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kcon.services.local_cluster import LocalClusterOptions, start_local_cluster
from kcon_broker.settings import STANDARD_AUTHORIZER, BrokerSettings
from kcon_broker.testing import InProcessBroker

_PROPERTIES = {"authorizer.class.name": STANDARD_AUTHORIZER, "super.users": "User:ANONYMOUS"}


@contextmanager
def authorized_brokers(classpath: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the addresses of our broker and of an Apache Kafka that keeps its data in a folder."""
    options = LocalClusterOptions(data_dir=folder, dies_with_parent=True, properties=_PROPERTIES)
    node = asyncio.run(start_local_cluster(classpath, options))
    settings = BrokerSettings(data_dir=Path(), port=0, authorizer_class_name=STANDARD_AUTHORIZER)
    try:
        with InProcessBroker(settings=settings) as broker:
            yield broker.bootstrap, node.bootstrap
    finally:
        asyncio.run(node.stop(grace_s=0))
