"""How is the command line parsed? A lazy click tree whose commands return requests and print nothing.

The root imports a command's module when its name is typed. Connection options are accepted before the command,
between its words and after them; the last one wins. Help is raised as `HelpRequested`, so that the caller decides
where it goes.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

import kcon
from kcon.commands.examples import examples_of, split_examples
from kcon.commands.options import SharedOption, build_shared, connection_options
from kcon.commands.request import Request
from kcon.commands.table import COMMANDS, ROOT_SUMMARY, VERB_SPELLINGS, canonical_command, module_of, root_help

_HELP_WIDTH = 100


class HelpRequested(Exception):
    """The user asked for help, not for the command. text: what to print to standard output."""

    def __init__(self, text: str) -> None:
        super().__init__("help requested")
        self.text = text


def _help_option() -> click.Option:
    def show(context: click.Context, _option: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            raise HelpRequested(context.get_help() + "\n")

    return SharedOption(
        ["-h", "--help"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show this text.",
        section="Help",
    )


def _help_json_option() -> click.Option:
    def show(context: click.Context, _option: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            from kcon.commands.describe import describe_command, to_json

            raise HelpRequested(to_json(describe_command(context.command, context.command_path)))

    return SharedOption(
        ["--help-json"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Describe the command and its options as JSON.",
        section="Help",
    )


class _Sectioned(click.Command):
    """A command whose help groups its options under headings and is raised instead of printed."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*self.params, *self._help_params()]

    def _help_params(self) -> list[click.Parameter]:
        cached: list[click.Parameter] | None = getattr(self, "_help_params_made", None)
        if cached is None:
            cached = [_help_option(), _help_json_option()]
            self._help_params_made = cached
        return cached

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if isinstance(param, click.Argument):
                continue  # The usage line and the text above tell them.
            record = param.get_help_record(ctx)
            if record is not None:
                section = param.section if isinstance(param, SharedOption) else "Options"
                sections.setdefault(section, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples = examples_of(self, ctx.command_path)
        if examples:
            with formatter.section("Examples"):
                for example in examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")  # Never wrapped: to be copied.


class LeafCommand(_Sectioned):
    """A command that yields a request: `callback(shared=..., own options...) -> Request`."""

    def __init__(self, *args: Any, shared_options: Sequence[SharedOption] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help, self.examples = split_examples(self.help or "")
        self._shared = tuple(shared_options)
        self.params = [*self.params, *self._shared]

    def invoke(self, ctx: click.Context) -> Request:
        values = {option.name or "": ctx.params.pop(option.name or "") for option in self._shared}
        ctx.params["shared"] = build_shared({**_inherited(ctx), **_given(values)})
        request = super().invoke(ctx)
        assert isinstance(request, Request), "a command returns a request"
        return request


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, (), False)}


def _inherited(ctx: click.Context) -> dict[str, Any]:
    return ctx.obj if isinstance(ctx.obj, dict) else {}


class _Branch(_Sectioned, click.Group):
    """A group that accepts connection options and hands them down."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shared = tuple(connection_options())
        self.params = [*self.params, *self._shared]

    def invoke(self, ctx: click.Context) -> Any:
        values = {option.name or "": ctx.params.pop(option.name or "") for option in self._shared}
        ctx.obj = {**_inherited(ctx), **_given(values)}
        return super().invoke(ctx)


class Noun(_Branch):
    """A noun with its verbs, e.g. `kcon topic`."""

    def __init__(self, name: str, summary: str, spellings: dict[str, str] | None = None) -> None:
        super().__init__(
            name=name,
            help=summary,
            callback=self._want_a_verb,
            invoke_without_command=True,
            subcommand_metavar="VERB ...",
        )
        self._spellings = {**VERB_SPELLINGS, **(spellings or {})}

    def _want_a_verb(self) -> None:
        context = click.get_current_context()
        if context.invoked_subcommand is None:
            raise click.UsageError(f"Say what to do: {', '.join(self.commands)}.", context)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.commands.get(cmd_name) or self.commands.get(self._spellings.get(cmd_name, ""))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        command = self.get_command(ctx, args[0])
        if command is None:
            _no_such_command(ctx, args[0], [*self.commands, *self._spellings])
        return command.name, command, args[1:]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


class _Root(_Branch):
    """`kcon` itself: finds a command in the static table and only then loads its module."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [entry[0] for entry in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = canonical_command(cmd_name)
        if name is None:
            return None
        command = importlib.import_module(module_of(name)).COMMAND
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        command = self.get_command(ctx, args[0])
        if command is None:
            _no_such_command(ctx, args[0], self.list_commands(ctx))
        return command.name, command, args[1:]

    def get_help(self, ctx: click.Context) -> str:
        return root_help().rstrip("\n")


def _no_such_command(ctx: click.Context, word: str, known: Sequence[str]) -> NoReturn:
    import difflib

    near = difflib.get_close_matches(word, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise click.UsageError(f"There is no command {word!r} here.{hint}", ctx)


def leaf(
    name: str, *, options: Sequence[SharedOption], parent: Noun | None = None
) -> Callable[[Callable[..., Request]], LeafCommand]:
    """Make a click command of a function that returns a request; `options` are the shared ones it takes."""

    def decorate(function: Callable[..., Request]) -> LeafCommand:
        made = click.command(name=name, cls=LeafCommand, shared_options=options)(function)
        if parent is not None:
            parent.add_command(made)
        return made

    return decorate


def root_command() -> click.Command:
    """Return the tree. Called without a command it returns the request of the bare `kcon`."""

    def bare() -> Request | None:
        context = click.get_current_context()
        if context.invoked_subcommand is not None:
            return None
        from kcon.commands.ui import Ui

        return Ui(shared=build_shared(_inherited(context)), bare=True)

    root = _Root(
        name="kcon",
        help=ROOT_SUMMARY,
        callback=bare,
        invoke_without_command=True,
        context_settings={"max_content_width": _HELP_WIDTH, "terminal_width": _HELP_WIDTH},
    )
    root.params.append(_version_option())
    return root


def _version_option() -> click.Option:
    def show(context: click.Context, _option: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            raise HelpRequested(f"kcon {kcon.__version__}\n")

    return SharedOption(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show the version.",
        section="Help",
    )
