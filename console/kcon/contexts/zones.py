"""Which time zone does this name, or this machine, mean?"""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from kcon.errors import UsageError

_LOCALTIME: Final = Path("/etc/localtime")


def parse_zone(name: str) -> tzinfo:
    """Return a zone by its IANA name, or UTC. UsageError names the nearest one."""
    if name.upper() in {"UTC", "Z", "GMT"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        near = get_close_matches(name, available_timezones(), n=1)
        raise UsageError(
            f"Not a time zone: {name!r}.", f"Did you mean {near[0]}?" if near else "Give e.g. Europe/Paris or UTC."
        ) from error


def local_zone(environment: Mapping[str, str]) -> tuple[tzinfo, str]:
    """Return this machine's zone and its name: `TZ`, /etc/localtime, or UTC."""
    name = environment.get("TZ", "").removeprefix(":")
    if name:
        try:
            return parse_zone(name), name
        except UsageError:
            return UTC, "UTC"  # A POSIX rule such as `CET-1CEST` has no name to show; UTC is at least clear.
    try:
        target = str(_LOCALTIME.resolve(strict=True))
        _, found, key = target.rpartition("zoneinfo/")
        if found:
            return ZoneInfo(key), key
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="local"), "local"
    except (OSError, ValueError, LookupError):
        return UTC, "UTC"
