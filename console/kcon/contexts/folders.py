"""Where does kcon keep its files? The XDG folders, or those that the environment names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

CONFIG_FILE: Final = "config.toml"
ALERTS_FILE: Final = "alerts.toml"
PROJECT_FILE: Final = ".kcon.toml"


def config_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of config.toml: `KCON_CONFIG_DIR`, or `$XDG_CONFIG_HOME/kcon`, or `~/.config/kcon`."""
    return _folder(environment, "KCON_CONFIG_DIR", "XDG_CONFIG_HOME", ".config")


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the current context, audit log and undo records: `KCON_STATE_DIR`, or by XDG."""
    return _folder(environment, "KCON_STATE_DIR", "XDG_STATE_HOME", ".local/state")


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of what can be made anew, as names for completion: `KCON_CACHE_DIR`, or by XDG."""
    return _folder(environment, "KCON_CACHE_DIR", "XDG_CACHE_HOME", ".cache")


def find_project_file(start: Path) -> Path | None:
    """Return the nearest `.kcon.toml` from `start` up to the folder that has `.git`; None without one."""
    for folder in (start, *start.parents):
        candidate = folder / PROJECT_FILE
        if candidate.is_file():
            return candidate
        if (folder / ".git").exists():
            return None
    return None


def _folder(environment: Mapping[str, str], own: str, xdg: str, fallback: str) -> Path:
    if environment.get(own):
        return Path(environment[own]).expanduser()
    base = environment.get(xdg, "")
    # The XDG specification: a relative path is to be ignored.
    if base and Path(base).is_absolute():
        return Path(base) / "kcon"
    home = environment.get("HOME")
    return (Path(home) if home else Path.home()) / fallback / "kcon"
