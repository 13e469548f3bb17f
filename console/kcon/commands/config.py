"""`kcon config`: where are kcon's files, and is anything in the configuration off?"""

from typing import ClassVar

import click

from kcon.commands.options import output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf


class ConfigPaths(Request):
    """Name every file and folder of kcon."""

    command: ClassVar[str] = "config paths"


class ConfigDoctor(Request):
    """Check the configuration."""

    command: ClassVar[str] = "config doctor"
    strict: bool = False


COMMAND = Noun("config", "kcon's own files: where they are, and whether they are in order.")


@leaf("paths", parent=COMMAND, options=output_options())
def config_paths(*, shared: Shared) -> Request:
    """Name every file and folder that kcon uses. Deleting them uninstalls all that it keeps.

    Example: kcon config paths
    """
    return ConfigPaths(shared=shared)


@leaf("doctor", parent=COMMAND, options=output_options())
@click.option("--strict", is_flag=True, help="A warning is a failure too.")
def config_doctor(*, shared: Shared, strict: bool) -> Request:
    """Check the configuration: every context, the files it names, who may read them. Nothing is connected to.

    Ends with 7 when something is off.

    Example: kcon config doctor
    """
    return ConfigDoctor(shared=shared, strict=strict)
