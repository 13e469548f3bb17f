"""Which version of an API do this broker and kcon both speak?"""

from collections.abc import Mapping
from typing import NamedTuple

from kcon.admin.apis import Api
from kcon.admin.requests import Request
from kcon.errors import KconError


class UnsupportedApi(KconError):
    """The broker lacks an API, or every version of it that kcon speaks."""


class BrokerVersions(NamedTuple):
    """The version range of each API key that a broker told."""

    ranges: Mapping[int, tuple[int, int]]

    def supports(self, api: Api, version: int | None = None) -> bool:
        """Tell whether there is a common version, and at least `version` when given."""
        chosen = self._highest(api, version, None)
        return chosen is not None

    def choose(self, request: Request, broker: str) -> int:
        """Return the highest common version for the request. UnsupportedApi when there is none."""
        version = self._highest(request.api, request.version_min, request.version_max)
        if version is not None:
            return version
        have = self.ranges.get(request.api.key)
        has = f"it has versions {have[0]} to {have[1]}" if have else "it does not have this API"
        raise UnsupportedApi(
            f"{broker} cannot answer {request.api.title}: {has}.",
            "The broker is too old or too new for this, or it is not a broker but a KRaft controller.",
        )

    def _highest(self, api: Api, at_least: int | None, at_most: int | None) -> int | None:
        have = self.ranges.get(api.key)
        if have is None:
            return None
        low = max(have[0], api.version_min, at_least or 0)
        high = min(have[1], api.version_max, api.version_max if at_most is None else at_most)
        return high if low <= high else None
