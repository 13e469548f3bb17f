"""How does an interrupted search go on? One small file a search, in the state folder, newest ones kept."""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, NotFoundError
from kcon.services.search import PartitionCoverage

FOLDER: Final = "searches"
FORMAT: Final = 1
KEPT_MAX: Final = 20
FILE_BYTES_MAX: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchState:
    """What is needed to go on."""

    where: str
    isolation: str
    cluster_id: str | None
    coverage: Sequence[PartitionCoverage]


def save_search(folder: Path, state: SearchState) -> str:
    """Write a state and return its id. KconError when that is not possible."""
    name = secrets.token_hex(3)
    document = {
        "format": FORMAT,
        "where": state.where,
        "isolation": state.isolation,
        "cluster_id": state.cluster_id,
        "coverage": [
            [
                *(each.partition.topic.raw, each.partition.partition),
                *(each.start_offset, each.next_offset, each.end_offset, each.lost),
            ]
            for each in state.coverage
        ],
    }
    place = folder / FOLDER
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(place / f"{name}.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(document, file)
        kept = sorted(place.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for old in kept[:-KEPT_MAX]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise KconError(f"The search cannot be resumed: {error.strerror or error}.") from error
    return name


def load_search(folder: Path, name: str, cluster_id: str | None) -> SearchState:
    """Read a state. NotFoundError when there is none of that id; KconError when it is of another cluster."""
    path = folder / FOLDER / f"{name}.json"
    if not name.isalnum() or not path.is_file() or path.stat().st_size > FILE_BYTES_MAX:
        raise NotFoundError(f"There is no interrupted search {display_safe(name)}.")
    try:
        document: Any = json.loads(path.read_text())
        if document["format"] != FORMAT:
            raise ValueError("another format")
        state = SearchState(
            where=str(document["where"]),
            isolation=str(document["isolation"]),
            cluster_id=document["cluster_id"],
            coverage=[
                PartitionCoverage(
                    partition=TopicPartition(topic_name(topic), int(partition)),
                    start_offset=int(start),
                    next_offset=int(following),
                    end_offset=int(end),
                    lost=int(lost[0]) if lost else 0,
                )
                for topic, partition, start, following, end, *lost in document["coverage"]
            ],
        )
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise KconError(f"The file of search {display_safe(name)} cannot be read.", "Search anew.") from error
    if state.cluster_id != cluster_id:
        raise KconError(f"Search {display_safe(name)} was made on another cluster.", "Choose its context with -C.")
    return state
