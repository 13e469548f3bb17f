"""`kcon doctor`: shows what is true of a data folder, partition by partition."""

from pathlib import Path

from kcon.cli.document import Column, Document, Int64, Item
from kcon.cli.invocation import Invocation
from kcon.commands.doctor import Doctor
from kcon.commands.request import Request
from kcon.errors import ExitCode

_COLUMNS = (
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="verdict"),
    Column(key="segments", right=True, drop=2),
    Column(key="size_bytes", right=True, drop=3),
    Column(key="start_offset", right=True, drop=1),
    Column(key="end_offset", right=True),
    Column(key="next_start", wide=True),
)


def run_doctor(request: Request, invocation: Invocation) -> int:
    """Check the folder; 7 when a partition is damaged."""
    assert isinstance(request, Doctor)
    from kcon.services.doctor import DAMAGED, DataFolderDoctor

    doctor = DataFolderDoctor(Path(request.data_dir))
    items: list[Item] = []
    notes = [
        f"A folder of {doctor.folder.origin}; its last stop was {'clean' if doctor.folder.is_clean else 'not clean'}.",
        *doctor.folder.notes,
    ]
    if doctor.folder.is_in_use:
        notes.append("A broker uses it now: what it is writing may look torn.")
    is_damaged = False
    for found in doctor.partitions():
        is_damaged = is_damaged or found.verdict == DAMAGED
        notes += [f"{found.topic}-{found.partition}: {action}" for action in found.actions]
        items.append(
            {
                "topic": found.topic,
                "partition": found.partition,
                "verdict": found.verdict,
                "segments": found.segments,
                "size_bytes": Int64(found.size_bytes),
                "start_offset": Int64(found.start_offset),
                "end_offset": Int64(found.end_offset),
                "next_start": "; ".join(found.actions),
            }
        )
    code = invocation.show(Document(kind="DataFolder", columns=_COLUMNS, items=items, notes=notes, name_key="topic"))
    return ExitCode.CHECK_FAILED if is_damaged else code
