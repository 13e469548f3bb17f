"""What do all parts of `Admin` share? The cluster with its connections, and the routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kcon.admin.cluster import Cluster
from kcon.admin.routes import Routes

if TYPE_CHECKING:
    from collections import Counter

    from kcon.admin.offset_sweep import OffsetSweep
    from kcon.admin.settings import AdminSettings


class AdminCalls:
    """The state behind every call. One event loop."""

    def __init__(self, settings: AdminSettings) -> None:
        self.settings = settings
        self._cluster = Cluster(settings)
        self._routes = Routes(self._cluster)
        self._sweep: OffsetSweep | None = None

    @property
    def requests_sent(self) -> Counter[str]:
        """Requests sent so far, by Kafka's name of the API."""
        return self._cluster.requests_sent
