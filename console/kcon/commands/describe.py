"""What does a command take? Its name, words and options as plain data: for `--help-json` and the reference."""

import json
from typing import Any

import click

from kcon.commands.examples import examples_of
from kcon.commands.options import SharedOption


def describe_command(command: click.Command, path: str) -> dict[str, Any]:
    """Return the command as JSON values; a group also names its commands."""
    context = click.Context(command, info_name=path)
    described: dict[str, Any] = {
        "kind": "Command",
        "apiVersion": "kcon/v1",
        "command": path,
        "summary": command.get_short_help_str(limit=200),
        "help": (command.help or "").strip(),
        "usage": " ".join(command.collect_usage_pieces(context)),
        "arguments": [_argument(item) for item in command.params if isinstance(item, click.Argument)],
        "options": [_option(item, context) for item in command.get_params(context) if isinstance(item, click.Option)],
    }
    described["examples"] = list(examples_of(command, path))
    if isinstance(command, click.Group):
        described["commands"] = command.list_commands(context)
    return described


def to_json(described: dict[str, Any]) -> str:
    """Return the text that `--help-json` prints."""
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


def _argument(argument: click.Argument) -> dict[str, Any]:
    return {
        "name": argument.name,
        "metavar": argument.metavar or (argument.name or "").upper(),
        "required": argument.required,
        "repeatable": argument.nargs == -1,
    }


def _option(option: click.Option, context: click.Context) -> dict[str, Any]:
    record = option.get_help_record(context)
    described: dict[str, Any] = {
        "names": [*option.opts, *option.secondary_opts],
        "section": option.section if isinstance(option, SharedOption) else "Options",
        "value": None if option.is_flag else (option.metavar or option.type.name.upper()),
        "repeatable": option.multiple,
        "required": option.required,
        "help": option.help or "",
    }
    if isinstance(option.type, click.Choice):
        described["choices"] = [str(choice) for choice in option.type.choices]
    described["shown_as"] = record[0] if record else None
    return described
