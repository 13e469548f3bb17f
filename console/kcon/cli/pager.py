"""How is an answer shown that is longer than the screen? Through the user's pager, and only where there is a screen.

`KCON_PAGER`, else `PAGER`, else `less -FRX`; an empty word or `cat` is none. A pager that is missing is no error: the
text is written as it is. It never runs where standard output is no terminal, nor inside the console.
"""

import os
import signal
from typing import TYPE_CHECKING, Final

from kcon.cli.environment import Environment

if TYPE_CHECKING:
    import subprocess

PAGER_DEFAULT: Final = "less -FRX"
"""Ends by itself when all fits, keeps colours, and leaves the text on the screen."""
_NONE: Final = frozenset({"", "cat"})


def page(environment: Environment, data: bytes) -> bool:
    """Show text that is made safe already in the pager, and wait until it is left. False: it is still to be written."""
    command = pager_of(environment)
    if not command or data.count(b"\n") < environment.lines:
        return False
    import subprocess

    environment.stdout.flush()  # What was written before stands above.
    variables = {**environment.variables, "LESS": environment.variables.get("LESS", "FRX")}
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=environment.stdout.fileno(), env=variables)
    except OSError:
        return False
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # In a pager ctrl-C means the pager.
    try:
        return _fed(pager, data)
    finally:
        signal.signal(signal.SIGINT, before)


def _fed(pager: "subprocess.Popen[bytes]", data: bytes) -> bool:
    assert pager.stdin is not None, "it is a pipe"
    try:
        pager.stdin.write(data)
        pager.stdin.close()
    except BrokenPipeError:
        pass  # It was left before its end.
    # A shell's answer for "not found" and "not executable"; such a pager showed nothing.
    return pager.wait() not in {126, 127}


def pager_of(environment: Environment) -> list[str]:
    """Return the pager's words; none where nothing is to be paged."""
    import shlex

    if not (environment.owns_process and environment.stdout_is_terminal) or environment.is_dumb or os.name == "nt":
        return []
    chosen = environment.variables.get("KCON_PAGER")
    if chosen is None:
        chosen = environment.variables.get("PAGER", PAGER_DEFAULT)
    try:
        return [] if chosen.strip() in _NONE else shlex.split(chosen)
    except ValueError:  # A quote that is not closed.
        return []
