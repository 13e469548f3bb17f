"""What can go wrong for a user: one sentence, one hint, one exit code. Nothing else crosses to the fronts."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The process exit codes of kcon, the same for every command."""

    OK = 0
    FAILED = 1
    """The command failed, or items failed for different causes."""
    USAGE = 2
    UNREACHABLE = 3
    """Cannot connect, or a deadline passed; also a check that got no data."""
    AUTH = 4
    """Authentication or authorization failed."""
    NOT_FOUND = 5
    """The thing described does not exist; an empty list is OK."""
    REFUSED = 6
    """kcon itself refused: read-only context, not confirmed, group active."""
    CHECK_FAILED = 7
    INTERRUPTED = 130
    TERMINATED = 143


class KconError(Exception):
    """A caller's mistake or a refusal by Kafka.

    message: one sentence, already safe for a terminal (wire text goes in through `str(WireText)`).
    hint: what to do next, or "".
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(KconError):
    """The words of the command are off; nothing was sent."""

    exit_code = ExitCode.USAGE


class UnreachableError(KconError):
    """No connection, not Kafka, or a deadline passed."""

    exit_code = ExitCode.UNREACHABLE


class AuthError(KconError):
    """Credentials refused, or the operation is not authorised."""

    exit_code = ExitCode.AUTH


class NotFoundError(KconError):
    """The named topic, group or record does not exist."""

    exit_code = ExitCode.NOT_FOUND


class RefusedError(KconError):
    """kcon refuses: read-only context, missing confirmation, active group, no undo record possible."""

    exit_code = ExitCode.REFUSED
