"""What does a running command have at hand? The process, the writers, and the cluster it was pointed at."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import tzinfo
from functools import cached_property
from typing import TYPE_CHECKING

from kcon.cli.diagnostics import Diagnostics
from kcon.cli.document import Document, exit_code_of
from kcon.cli.environment import Environment
from kcon.cli.output import Writer
from kcon.commands.request import Connection, OutputFormat, Request
from kcon.contexts.context import Context
from kcon.core.escapes import unescape
from kcon.core.wire_text import display_safe
from kcon.errors import ExitCode, KconError, UnreachableError, UsageError

if TYPE_CHECKING:
    from kcon.services.session import Session

OpenConsole = Callable[["Context | None", "str | None"], int]
"""Opens the console on a context (None: where one is chosen), at an address or the overview. Blocks; the exit code.

The program's main module hands it in, because the CLI and the TUI do not know each other.
"""

NAMES_MAX = 1_000_000
"""Names read from standard input with `-`."""


class Invocation:
    """One command on its way."""

    def __init__(
        self,
        environment: Environment,
        request: Request,
        open_console: OpenConsole | None = None,
        context: Context | None = None,
    ) -> None:
        self.environment = environment
        self.request = request
        self.open_console = open_console
        self._given_context = context
        self.follows = False
        """It goes on until ctrl-C, so that ctrl-C is its proper end."""
        self.view_format: OutputFormat | None = None
        """What the project file of this folder wants to see on a terminal; known with the context."""
        output = request.shared.output
        self.writer = Writer(environment, output)
        self.diagnostics = Diagnostics(environment, output.format)

    @cached_property
    def context(self) -> Context:
        """The context that the options, the environment and the files name. UsageError when there is none."""
        if self._given_context is not None and self.request.shared.connection == Connection():
            self.diagnostics.context = self._given_context.name
            return self._given_context
        from kcon.cli.contexts import context_store, overrides_of

        store = context_store(self.environment)
        context = store.resolve(overrides_of(self.request.shared.connection))
        for warning in store.warnings:
            self.diagnostics.note(warning)
        if store.project is not None and store.project.output is not None:
            self.view_format = OutputFormat(store.project.output)
        self.diagnostics.context = context.name
        if context.security.protocol != "PLAINTEXT":
            from kcon.cli.secrets import ask_for_secrets, warn_of_security

            warn_of_security(context, self.diagnostics)
            ask_for_secrets(context, self.environment)
        return context

    def ask_for_secrets(self) -> None:
        """Resolve the context and ask for its passwords, outside of an event loop, where ctrl-C ends the question."""
        if self.environment.owns_process and self.environment.is_interactive:
            with suppress(KconError):  # The command itself says what is wrong, if it needs the context.
                _ = self.context

    @cached_property
    def zone(self) -> tuple[tzinfo, str]:
        """The zone of times without one, and its name."""
        return self.context.tz, self.context.tz_name

    def other_context(self, name: str) -> Context:
        """Return the context of a second cluster: one of the configuration, or an address as `-b` takes it."""
        from kcon.cli.contexts import context_store, overrides_of

        connection = self.request.shared.connection
        store = context_store(self.environment)
        is_known = any(listing.name == name for listing in store.listings())
        chosen = {"context": name, "bootstrap": None} if is_known else {"context": None, "bootstrap": name}
        if not is_known and ":" not in name:
            raise UsageError(
                f"There is no context {display_safe(name)}.", "`kcon context list` names them; an address is host:port."
            )
        context = store.resolve(overrides_of(connection.with_changes(properties=(), **chosen)))
        for warning in store.warnings:
            self.diagnostics.note(warning)
        if context.security.protocol != "PLAINTEXT":
            from kcon.cli.secrets import ask_for_secrets, warn_of_security

            warn_of_security(context, self.diagnostics)
            ask_for_secrets(context, self.environment)
        return context

    def session_on(self, context: Context) -> "Session":
        """Return a session with another cluster than the command's own."""
        from kcon.services.session import open_session

        return open_session(context, self.environment.variables, self.environment.now_ms)

    def open_session(self) -> "Session":
        """Return a session with the context's cluster; it connects at the first question."""
        from kcon.services.session import open_session

        session = open_session(self.context, self.environment.variables, self.environment.now_ms)
        if self.request.shared.connection.verbose:
            session.wire_log = self.diagnostics.plain_line
        return session

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Bound everything inside by the context's timeout. UnreachableError when it passes."""
        import asyncio

        timeout_ms = self.context.timeout_ms
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                yield
        except TimeoutError as error:
            raise UnreachableError(
                f"The command was not done within {timeout_ms / 1000:g} s.", "Give it longer with --timeout."
            ) from error

    def show(self, document: Document) -> ExitCode:
        """Write an answer and what failed in it; return the exit code."""
        where = self.request.shared.output.where
        if where is not None:
            from kcon.cli.where import keep_matching

            document = keep_matching(document, where)
        # No file of a checkout may hide a part of what somebody is asked to agree to.
        if self.view_format is not None and not hasattr(self.request, "confirmation"):
            self.writer.prefer(self.view_format)
        output = self.request.shared.output
        self.writer.document(document, pages=output.pages and not (output.watch or self.follows))
        for note in document.notes:
            self.diagnostics.note(note)
        if not self.writer.is_structured:
            self.diagnostics.item_errors(document.errors)
        return exit_code_of(document.errors)

    def patterns(self, words: Sequence[str]) -> tuple[str, ...] | None:
        """Return the names given; None when no word was given, which means all."""
        return self.names(words) if words else None

    def names(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the names given, with `-` replaced by the lines of standard input, of which there may be none."""
        if "-" not in words:
            return tuple(words)
        lines = self.environment.stdin.read().decode("utf-8", "surrogateescape").splitlines()
        if len(lines) > NAMES_MAX:
            raise UsageError(f"More than {NAMES_MAX:,} names came from standard input.")
        read = [unescape(line) for line in lines if line.strip()]
        return tuple(name for word in words for name in (read if word == "-" else [word]))
