"""`kcon doctor`: is a broker's data folder sound, and what would its next start do?"""

from typing import ClassVar

import click

from kcon.commands.options import output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf


class Doctor(Request):
    """Check a data folder, offline."""

    command: ClassVar[str] = "doctor"
    data_dir: str


@leaf("doctor", options=output_options())
@click.option("--data-dir", metavar="FOLDER", required=True, help="A data folder of kcon's broker or of Apache Kafka.")
def doctor(*, shared: Shared, data_dir: str) -> Request:
    """Check a broker's data folder, offline.

    Reads every batch of every partition and says what the next start would do; changes nothing. Folders of kcon's
    broker and of Apache Kafka are understood. A partition is sound, or recovered (walked at the next start), cut (its
    torn end goes), or damaged (synced records are lost). Exit code 7 when one is damaged.

    Example: kcon doctor --data-dir ./data
    """
    return Doctor(shared=shared, data_dir=data_dir)


COMMAND = doctor
