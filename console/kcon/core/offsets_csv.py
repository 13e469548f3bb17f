"""How are offsets kept in a file? Apache's CSV: `topic,partition,offset`, as from its `--export`."""

import csv
import io
from collections.abc import Mapping

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.offset_spec import OFFSET_MAX
from kcon.errors import UsageError

_PARTITION_MAX = 2**31 - 1


def parse_offsets_csv(text: str, *, group: str | None = None) -> dict[TopicPartition, int]:
    """Read the offsets of one group. UsageError names the line that is off.

    group: for files of several groups, which have four columns (`group,topic,partition,offset`): the one to take.
    """
    offsets: dict[TopicPartition, int] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) == 4:
            if group is None:
                raise UsageError(f"Line {number} names a group; one group is wanted.", "Give topic,partition,offset.")
            if cells[0] != group:
                continue
            cells = cells[1:]
        if len(cells) != 3:
            raise UsageError(f"Line {number} has {len(row)} columns.", "Give topic,partition,offset.")
        partition = TopicPartition(topic_name(cells[0]), _number(cells[1], "partition", number, _PARTITION_MAX))
        if partition in offsets:
            raise UsageError(f"Line {number} repeats {partition.topic}/{partition.partition}.")
        offsets[partition] = _number(cells[2], "offset", number, OFFSET_MAX)
    return offsets


def format_offsets_csv(offsets: Mapping[TopicPartition, int]) -> str:
    """Write the offsets of one group, sorted, one line each."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for partition in sorted(offsets, key=lambda tp: (tp.topic.raw, tp.partition)):
        writer.writerow((partition.topic.raw, partition.partition, offsets[partition]))
    return out.getvalue()


def format_groups_csv(offsets: Mapping[str, Mapping[TopicPartition, int]]) -> str:
    """Write the offsets of several groups, with the group in front of each line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for group in sorted(offsets):
        for partition in sorted(offsets[group], key=lambda tp: (tp.topic.raw, tp.partition)):
            writer.writerow((group, partition.topic.raw, partition.partition, offsets[group][partition]))
    return out.getvalue()


def _number(text: str, what: str, line: int, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > most:
        raise UsageError(f"Line {line}: not a {what}: {text!r}.", "Give topic,partition,offset.")
    return int(text)
