"""How much history does kcon keep, and does it? `[history]` of config.toml, and `KCON_HISTORY`.

[history]
enabled = true          # KCON_HISTORY=off switches it off for one process
interval = "10s"        # between two looks that are kept
size_max = "600MiB"     # a cluster; the oldest goes
series_max = 20000      # with more, partitions and commits are not kept one by one
"""

import tomllib
from collections.abc import Mapping
from typing import Final

from kcon.contexts.folders import CONFIG_FILE, config_folder
from kcon.core.frozen import Frozen
from kcon.core.units import parse_bytes, parse_duration_ms
from kcon.errors import UsageError

VARIABLE: Final = "KCON_HISTORY"
_OFF: Final = frozenset({"0", "off", "no", "false"})
_ON: Final = frozenset({"", "1", "on", "yes", "true"})
_KEYS: Final = frozenset({"enabled", "interval", "size_max", "series_max"})
INTERVAL_MIN_MS: Final = 1_000
SIZE_MIN_BYTES: Final = 1024 * 1024


class HistorySettings(Frozen):
    """How much is kept."""

    enabled: bool = True
    interval_ms: int = 10_000
    """Between two looks that are kept; while an incident is open it is a second."""
    size_max_bytes: int = 600 * 1024 * 1024
    """Of one cluster."""
    series_max: int = 20_000
    """With more series, partitions and commits are not kept one by one."""


def history_settings(variables: Mapping[str, str]) -> HistorySettings:
    """Return the settings of this user. UsageError when the file or the variable is off."""
    word = variables.get(VARIABLE, "").strip().lower()
    if word not in _OFF | _ON:
        raise UsageError(f"{VARIABLE} is neither on nor off: {word!r}.", "Give on or off.")
    path = config_folder(variables) / CONFIG_FILE
    try:
        table = tomllib.loads(path.read_text("utf-8")).get("history", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        table = {}  # Who reads the contexts of that file says what is wrong with it.
    where = f"{path}: [history]"
    if not isinstance(table, dict):
        raise UsageError(f"{where} is not a table.", "Write [history] and its keys below.")
    for key in table.keys() - _KEYS:
        raise UsageError(f"{where}: unknown key {key!r}.", f"Known: {', '.join(sorted(_KEYS))}.")
    defaults = HistorySettings()
    enabled, series_max = table.get("enabled", True), table.get("series_max", defaults.series_max)
    if not isinstance(enabled, bool):
        raise UsageError(f"{where}: enabled is neither true nor false.")
    if not isinstance(series_max, int) or isinstance(series_max, bool) or series_max < 0:
        raise UsageError(f"{where}: series_max is no count.", "Give a whole number, e.g. 20000.")
    interval_ms, size_max_bytes = defaults.interval_ms, defaults.size_max_bytes
    if "interval" in table:
        interval_ms = parse_duration_ms(str(table["interval"]))
        if interval_ms < INTERVAL_MIN_MS:
            raise UsageError(f"{where}: interval is less than a second.")
    if "size_max" in table:
        size_max_bytes = parse_bytes(str(table["size_max"]))
        if size_max_bytes < SIZE_MIN_BYTES:
            raise UsageError(f"{where}: size_max is less than 1 MiB.", "enabled = false keeps none.")
    return HistorySettings(
        enabled=enabled and word not in _OFF,
        interval_ms=interval_ms,
        size_max_bytes=size_max_bytes,
        series_max=series_max,
    )
