"""`kcon migrate`: which topics and groups move from which cluster to which?"""

from typing import ClassVar

import click

from kcon.commands.options import Size, confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import leaf


class Migrate(Request):
    """Move a cluster into another one."""

    command: ClassVar[str] = "migrate"
    source: str
    target: str
    patterns: tuple[str, ...] = ()
    replication_factor: int | None = None
    groups: bool = True
    verifies: bool = True
    job: str | None = None
    bytes_per_s_max: int | None = None
    confirmation: Confirmation = Confirmation()


@leaf("migrate", options=[*output_options(), *connection_options()])
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.argument("patterns", metavar="[TOPIC]...", nargs=-1)
@click.option(
    "-r",
    "--replication-factor",
    type=click.IntRange(1, 32_767),
    metavar="N",
    help="Replicas at the target; else three, or as many as it has brokers.",
)
@click.option("--no-groups", is_flag=True, help="Leave the places of groups behind.")
@click.option("--no-verify", is_flag=True, help="Do not read again what was written.")
@click.option("--job", metavar="NAME", help="The migration's name; else made of the two clusters. It goes on by it.")
@click.option("--max-rate", type=Size(), metavar="SIZE", help="Read at most so much a second, e.g. 5MB.")
@takes_confirmation
def migrate(
    *,
    shared: Shared,
    source: str,
    target: str,
    patterns: tuple[str, ...],
    replication_factor: int | None,
    no_groups: bool,
    no_verify: bool,
    job: str | None,
    max_rate: int | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Move topics, settings, records and groups to another cluster, verified.

    FROM and TO are contexts or addresses. Every partition is copied in its order, exactly once, read again at the
    target and compared by count and digest; only then the topic gets its own settings. The places of groups go
    through a map of offsets. Run again, it goes on where it was killed, or brings what has come since: so move while
    the clients run, stop them, run it once more, and start them at the target. It never deletes. Access rights,
    quotas and users are not moved.

    Example: kcon migrate localhost:9092 prod --dry-run

    Example: kcon migrate laptop prod 'orders*' -r 3 -y
    """
    return Migrate(
        shared=shared,
        source=source,
        target=target,
        patterns=patterns,
        replication_factor=replication_factor,
        groups=not no_groups,
        verifies=not no_verify,
        job=job,
        bytes_per_s_max=max_rate,
        confirmation=confirmation(dry_run, yes, confirm),
    )


COMMAND = migrate
