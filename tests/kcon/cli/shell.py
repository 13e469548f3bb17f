"""Runs `kcon` command lines in this process, or as processes to be killed, against one live cluster."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from kcon.cli.environment import Environment
from kcon.cli.run import run


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: bytes
    err: str

    def items(self) -> Any:
        """Return the items of its JSON answer."""
        return json.loads(self.out)["items"]


class Shell:
    """A user's shell with folders of its own."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.variables = {
            "KCON_BOOTSTRAP": bootstrap,
            "KCON_CONFIG_DIR": str(folder / "config"),
            "KCON_STATE_DIR": str(folder / "state"),
            "TZ": "UTC",
        }
        self.folder = folder

    def __call__(self, *words: str, stdin: bytes = b"", code: int | None = 0) -> Ran:
        """Run a command line and check its exit code."""
        out, err = io.BytesIO(), io.BytesIO()
        environment = Environment(
            stdin=io.BytesIO(stdin), stdout=out, stderr=err, variables=self.variables, folder=self.folder
        )
        ran = Ran(run(words, environment), out.getvalue(), err.getvalue().decode())
        assert code is None or ran.code == code, (words, ran)
        return ran

    def json(self, *words: str, code: int = 0) -> Any:
        """Run a command line and read its JSON."""
        return json.loads(self(*words, "--output", "json", code=code).out)

    def ndjson(self, *words: str) -> list[Any]:
        """Run a command line that writes one JSON object a line."""
        return [json.loads(line) for line in self(*words).out.splitlines()]

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a command line as a process."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("KCON_")}
        return subprocess.Popen(
            [sys.executable, "-m", "kcon", *words],
            bufsize=0,  # What is read line by line and the rest of it must not part.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**inherited, **self.variables},
        )
