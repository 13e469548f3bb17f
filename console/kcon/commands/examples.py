"""Which examples does a command's help give? Paragraphs of its docstring that begin with `Example:`."""

from typing import Final

import click

_MARK: Final = "Example:"
SHOWN_OF_A_NOUN: Final = 6
"""A noun's help shows the first example of so many verbs."""


def split_examples(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a help text without its examples, and these, one command line each."""
    paragraphs = text.split("\n\n")
    examples = [" ".join(part.split()).removeprefix(_MARK).strip() for part in paragraphs if _is_example(part)]
    return "\n\n".join(part for part in paragraphs if not _is_example(part)), tuple(examples)


def examples_of(command: click.Command, path: str) -> tuple[str, ...]:
    """Return a command's own examples; of a noun, the first one of each of its verbs."""
    own: tuple[str, ...] = getattr(command, "examples", ())
    if own or not isinstance(command, click.Group):
        return own
    context = click.Context(command, info_name=path)
    verbs = (command.get_command(context, name) for name in command.list_commands(context))
    found = (examples_of(verb, path)[:1] for verb in verbs if verb is not None)
    return tuple(example for each in found for example in each)[:SHOWN_OF_A_NOUN]


def _is_example(paragraph: str) -> bool:
    return paragraph.lstrip().startswith(_MARK)
