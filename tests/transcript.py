"""What does a user see who types these lines? Transcripts of `kcon`, run again and compared byte by byte.

A transcript is a text file:

    # A comment.
    $ kcon topic create ~orders -p 2          the line that is run; ~ begins every name, and makes it unlike others'
    name\tpartitions\tresult                    what it wrote to standard output
    ! 1 of 1 topics created.                  a line of standard error
    = 0                                       its exit code, told where it is not 0
    $ printf 'a\\nb\\n' | kcon produce ~orders   with standard input
    $ kcon topic list '~*' -o *               once in each format that the command offers
    $ kcon metrics --once | grep ~orders      only the lines that hold the words behind `grep`
    [apache] $ kcon share list                on that broker alone, where docs/differences.md says that they differ
    @ member ~billing ~orders                 something beside it: see `Scene`

What a cluster chooses by itself (ids, times, addresses, folders) is replaced by words before the comparison. A line
that only reads is run again until it shows what is written, for as long as `SHOWS_WITHIN_S`: Apache's brokers show a
change some time after it was acknowledged.
"""

import codecs
import re
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

SHOWS_WITHIN_S: Final = 20.0
PAUSE_S: Final = 0.1

Run = Callable[[Sequence[str], bytes], tuple[int, bytes, str]]
"""Words after `kcon` and standard input; exit code, standard output, standard error."""


class Step(NamedTuple):
    """One line and what it should show."""

    number: int
    """Of the line in the file, from 1."""
    line: str
    """Without the broker's name."""
    expected: str
    only: str = ""
    """The one broker it is for."""

    @property
    def written(self) -> str:
        """The line as the file has it."""
        return f"[{self.only}] {self.line}" if self.only else self.line


def read_transcript(path: Path) -> list[Step]:
    """Return the steps of a file. A comment is a step without output."""
    steps: list[Step] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        found = _STEP.fullmatch(line)
        if found:
            steps.append(Step(number, found[2], "", found[1] or ""))
        else:
            last = steps.pop()
            steps.append(last._replace(expected=f"{last.expected}{line}\n"))
    return steps


_STEP: Final = re.compile(r"(?:\[(\w+)\] )?([$@#] .*)")


def words_of(line: str) -> tuple[list[str], bytes, str]:
    """Return the words after `kcon`, what it reads from standard input, and what is wanted of its output."""
    given = b""
    command, _, wanted = line.removeprefix("$ ").partition(" | grep ")
    wanted = " ".join(shlex.split(wanted))
    if command.startswith("printf "):
        said, _, command = command.partition(" | ")
        text = shlex.split(said)[1]
        given = codecs.escape_decode(text.encode())[0]
    words = shlex.split(command)
    assert words[0] == "kcon", line
    return words[1:], given, wanted


def in_each_format(words: Sequence[str], formats: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Return a format and the words with it, where the words end in `-o *` or `--output *`; else the words alone."""
    if words[-1] != "*" or words[-2] not in {"-o", "--output"}:
        yield "", list(words)
        return
    for each in formats:
        yield each, [*words[:-1], each]


class Normal:
    """Replaces what a cluster or a test chooses by words that stay."""

    def __init__(self, prefix: str, address: str, folders: Sequence[Path]) -> None:
        host, _, port = address.rpartition(":")
        self._prefix = prefix
        self._address = address
        self._patterns = [
            *((re.compile(re.escape(str(folder))), "FOLDER") for folder in folders),
            (re.compile(re.escape(prefix)), "~"),
            (re.compile(re.escape(address)), "ADDRESS"),
            (re.compile(rf"(?<![\d.]){re.escape(host)}(?![\d.])"), "HOST"),
            (re.compile(rf"(?<!\d){port}(?!\d)"), "PORT"),
            (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
            (re.compile(r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[0-9A-Z])[\w-]{22}(?![\w-])"), "ID"),
            (re.compile(r"\b20\d{6}-\d{6}-[0-9a-f]{4}\b"), "UNDO_ID"),
            (re.compile(r"about [\d.]+ \w+ on disk"), "about SIZE on disk"),
            (re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"), "TIME"),
            (re.compile(r"\b1[789]\d{11}\b"), "TIME_MS"),
        ]

    def name(self, text: str) -> str:
        """Return what is typed, with names of its own and the cluster's address."""
        return text.replace("~", self._prefix).replace("ADDRESS", self._address)

    def __call__(self, text: str) -> str:
        for pattern, word in self._patterns:
            text = pattern.sub(word, text)
        return text


def shown(code: int, out: bytes, err: str, wanted: str = "") -> str:
    """Return an ended command as a transcript writes it; of its output the lines that hold what is wanted."""
    text = out.decode("utf-8", "backslashreplace")
    lines = [line for line in text.splitlines() if wanted in line]
    lines += [f"! {line}" for line in err.splitlines()]
    # What begins like a step of its own would be read as one.
    told = [f"\\{line}" if _STEP.fullmatch(line) else line for line in lines]
    if code:
        told.append(f"= {code}")
    return "".join(f"{line}\n" for line in told)


def until_shown(run: Callable[[], str], expected: str, *, may_repeat: bool) -> str:
    """Run a command, again and again where it only reads, until it shows what is expected; return the last."""
    ends_s = time.monotonic() + SHOWS_WITHIN_S
    while True:
        seen = run()
        if seen == expected or not may_repeat or time.monotonic() > ends_s:
            return seen
        time.sleep(PAUSE_S)
