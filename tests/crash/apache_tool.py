"""Does Apache Kafka's own tool read every file that a trial leaves, and has it nothing to say against one?

DumpLogSegments looks at segments (their batches and CRCs), at indexes entry by entry beside their log, at transaction
indexes and at snapshots of producers. One process reads hundreds of files.
"""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

from kcon.services.apache_kafka import java_argv, missing_requirement, resolve_classpath
from kcon_broker.storage.memory_files import MemoryFiles

SUFFIXES = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
_FILES_AT_ONCE = 400
_DEADLINE_S = 300
_COMPLAINTS = (
    "mismatch",
    "out of order",
    "could not",
    "not found",
    "corrupt",
    "exception",
    "isvalid: false",
)
_TOLD_MAX = 20


def find_classpath() -> str | None:
    """Return the class path of Apache Kafka's tools; None: this machine cannot run them."""
    return None if missing_requirement() is not None else asyncio.run(resolve_classpath())


def files_of_partitions(folder: Path) -> list[Path]:
    """Return the files below a folder that the tool reads, those of the metadata log not: it has a form of its own."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES and path.name[:20].isdigit() and path.stat().st_size
    )


def dump(classpath: str, folder: Path) -> tuple[int, list[str]]:
    """Have every file below a folder read; return how many were, and what the tool says against them."""
    complaints: list[str] = []
    read = 0
    for paths in _by_hundreds(files_of_partitions(folder)):
        shown = _run(classpath, folder, paths)
        read_now = sum(line.startswith("Dumping ") for line in shown)
        read += read_now
        complaints += _complaints(shown)
        if read_now < len(paths):
            complaints.append(f"{read_now} of {len(paths)} files were read; the last line is {shown[-1:]}")
    return read, complaints


def write_out(disk: MemoryFiles, folder: Path) -> None:
    """Put the files of partitions of a disk in memory into a folder, to be read there."""
    for path in disk.paths():
        if path.endswith(SUFFIXES) and not path.startswith("metadata/"):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(disk.content(path))


def _by_hundreds(paths: list[Path]) -> Iterator[list[Path]]:
    for start in range(0, len(paths), _FILES_AT_ONCE):
        yield paths[start : start + _FILES_AT_ONCE]


def _run(classpath: str, folder: Path, paths: list[Path]) -> list[str]:
    # Relative names: all of them are one argument, and that has a limit.
    names = ",".join(str(path.relative_to(folder)) for path in paths)
    argv = java_argv(
        classpath,
        "org.apache.kafka.tools.DumpLogSegments",
        "--files",
        names,
        # A short life is not worth the second compiler.
        jvm_options=("-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    )
    done = subprocess.run(
        argv,
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_DEADLINE_S,
    )
    return done.stdout.splitlines()


def _complaints(shown: list[str]) -> list[str]:
    found: list[str] = []
    file = ""
    for line in shown:
        if line.startswith("Dumping "):
            file = line.removeprefix("Dumping ")
        elif any(word in line.lower() for word in _COMPLAINTS):
            found.append(f"{file}: {line}")
    return found[:_TOLD_MAX]
