"""Which topics, groups and contexts could be meant? Names for completion: from a cache, at once, and never an error.

`kcon __names KIND PREFIX [WORDS...]` is what the completion scripts run, where a name is expected. It answers from a
file of the cache folder; a list that is old, or not there, is fetched by a process of its own, for which it waits a
moment. A name that a shell or a terminal could act on is left out: anybody may have chosen a group's id.
"""

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from kcon.contexts.folders import CONFIG_FILE, cache_folder, config_folder, state_folder

KINDS: Final = ("topic", "group", "context")
FRESH_S: Final = 60.0
"""A list that is younger is not fetched again."""
WAIT_S: Final = 0.1
"""How long completing waits for a list that is not there; with the start of Python within 150 ms."""
NAMES_MAX: Final = 20_000
_POLL_S: Final = 0.01
_SAFE: Final = re.compile(r"[A-Za-z0-9_.:@%+,/=][A-Za-z0-9_.:@%+,/=~-]{0,254}")
_TAKES_VALUE: Final = frozenset({"-b", "--bootstrap", "-C", "--context", "-X", "--property"})
_FETCH_TIMEOUT: Final = "5s"


def run_names(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Print the names of a kind that begin with a prefix, one a line. Always 0: a shell must not beep."""
    if len(argv) < 2 or argv[0] not in KINDS:
        return 0
    kind, prefix, words = argv[0], argv[1], connection_words(argv[2:])
    try:
        found = _contexts(environment) if kind == "context" else _names(kind, words, environment)
    except (OSError, ValueError):
        return 0
    lines = [name for name in found if name.startswith(prefix) and _SAFE.fullmatch(name)]
    sys.stdout.write("".join(f"{name}\n" for name in lines[:NAMES_MAX]))
    return 0


def connection_words(words: Sequence[str]) -> list[str]:
    """Return of the words typed so far those that say which cluster is meant."""
    found: list[str] = []
    for index, word in enumerate(words):
        if word in _TAKES_VALUE and index + 1 < len(words):
            found += [word, words[index + 1]]
        elif word.partition("=")[0] in _TAKES_VALUE and "=" in word:
            found.append(word)
    return found


def cache_file(kind: str, words: Sequence[str], environment: Mapping[str, str]) -> Path:
    """Return the file of a list. Whatever may lead to another cluster leads to another file."""
    told = [f"{key}={value}" for key, value in sorted(environment.items()) if key.startswith("KCON_")]
    # Secrets may be among the variables; of all this only a hash is kept.
    for path in (config_folder(environment) / CONFIG_FILE, state_folder(environment) / "current-context"):
        try:
            told.append(path.read_text("utf-8", "replace"))
        except OSError:
            told.append("")
    key = hashlib.sha256("\0".join([os.getcwd(), *words, *told]).encode("utf-8", "surrogateescape")).hexdigest()
    return cache_folder(environment) / "names" / f"{kind}-{key[:32]}.json"


def _names(kind: str, words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    path = cache_file(kind, words, environment)
    names, age_s = _read(path)
    if age_s < FRESH_S:
        return names
    _fetch(kind, words, environment, path)
    end_s = time.monotonic() + WAIT_S
    while not names and age_s == float("inf") and time.monotonic() < end_s:
        time.sleep(_POLL_S)
        names, age_s = _read(path)
    return names


def _read(path: Path) -> tuple[list[str], float]:
    try:
        age_s = max(0.0, time.time() - path.stat().st_mtime)
        names = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return [], float("inf")
    return ([name for name in names if isinstance(name, str)] if isinstance(names, list) else []), age_s


def _fetch(kind: str, words: Sequence[str], environment: Mapping[str, str], path: Path) -> None:
    """Start a process that writes the list anew, and forget it."""
    import subprocess  # Seldom needed, and a tenth of what an answer from the cache takes.

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    subprocess.Popen(
        [sys.executable, "-m", "kcon.cli.name_cache", kind, str(path), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
        start_new_session=True,
    )


def refresh(kind: str, path: Path, words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Ask the cluster and write the list; a failure is kept as an empty list, so that it is not asked again at once."""
    import io

    from kcon.cli.environment import Environment
    from kcon.cli.run import run

    out = io.BytesIO()
    quiet = Environment(stdin=io.BytesIO(), stdout=out, stderr=io.BytesIO(), variables=environment)
    code = run([kind, "list", "--output", "json", "--timeout", _FETCH_TIMEOUT, *words], quiet)
    items = json.loads(out.getvalue() or b'{"items": []}')["items"]
    names = [item.get("name", item.get("group")) for item in items][:NAMES_MAX]
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(names, file)
    temporary.replace(path)
    return code


def _contexts(environment: Mapping[str, str]) -> list[str]:
    from kcon.contexts.config_file import read_config
    from kcon.errors import KconError

    try:
        return sorted(read_config(config_folder(environment) / CONFIG_FILE).contexts)
    except KconError:
        return []


if __name__ == "__main__":
    sys.exit(refresh(sys.argv[1], Path(sys.argv[2]), sys.argv[3:], os.environ))
