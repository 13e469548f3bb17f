"""`kcon check`: yes or no, for cron and CI."""

from collections.abc import Callable
from typing import ClassVar

import click

from kcon.commands.options import Duration, connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf


class CheckRestart(Request):
    """Say whether a broker may be stopped."""

    command: ClassVar[str] = "check restart"
    broker: int
    allow_single: bool = False


class CheckLag(Request):
    """Say whether groups keep up."""

    command: ClassVar[str] = "check lag"
    names: tuple[str, ...]
    max_lag: int | None = None
    max_time_lag_ms: int | None = None
    nagios: bool = False


class CheckTopic(Request):
    """Say whether topics are well."""

    command: ClassVar[str] = "check topic"
    names: tuple[str, ...]
    nagios: bool = False


class CheckCluster(Request):
    """Say whether the cluster is well."""

    command: ClassVar[str] = "check cluster"
    brokers: int | None = None
    nagios: bool = False


class CheckRegex(Request):
    """Is this an expression that a subscription may have?"""

    command: ClassVar[str] = "check regex"
    pattern: str


COMMAND = Noun("check", "Check for cron and CI: lag, topics, the cluster, stopping a broker.")


def _nagios(function: Callable[..., Request]) -> Callable[..., Request]:
    words = "One line with performance data, and a Nagios plugin's exit codes: 0, 2 failed, 3 unknown."
    return click.option("--nagios", is_flag=True, help=words)(function)


@leaf("lag", parent=COMMAND, options=[*output_options(), *connection_options()])
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
@click.option("--max-lag", type=click.IntRange(min=0), metavar="N", help="Records of a group, over its partitions.")
@click.option(
    "--max-time-lag", type=Duration(), metavar="DURATION", help="The age of the oldest record that is not read yet."
)
@_nagios
def check_lag(
    *, shared: Shared, names: tuple[str, ...], max_lag: int | None, max_time_lag: int | None, nagios: bool
) -> Request:
    """Say whether groups keep up: 0 yes, 7 no, 3 it cannot be told.

    Groups are globs. A lag that is unknown never passes as none. A time lag is told by the brokers' index of times,
    at the cost of one request a broker; records are looked at only to say how late the worst are.

    Example: kcon check lag billing --max-time-lag 5m

    Example: kcon check lag 'etl-*' --max-lag 10000 --max-time-lag 1h --nagios
    """
    if max_lag is None and max_time_lag is None:
        raise click.UsageError("Say what passes: --max-lag, --max-time-lag or both.")
    return CheckLag(shared=shared, names=names, max_lag=max_lag, max_time_lag_ms=max_time_lag, nagios=nagios)


@leaf("topic", parent=COMMAND, options=[*output_options(), *connection_options()])
@click.argument("names", metavar="TOPIC...", nargs=-1, required=True)
@_nagios
def check_topic(*, shared: Shared, names: tuple[str, ...], nagios: bool) -> Request:
    """Say whether every replica of topics is in sync: 0 yes, 7 no, 3 it cannot be told.

    Topics are globs. It tells partitions without a leader, below min.insync.replicas, and with replicas out of sync.

    Example: kcon check topic orders

    Example: kcon check topic 'billing.*' -o json
    """
    return CheckTopic(shared=shared, names=names, nagios=nagios)


@leaf("cluster", parent=COMMAND, options=[*output_options(), *connection_options()])
@click.option("--brokers", type=click.IntRange(min=1), metavar="N", help="There must be so many.")
@_nagios
def check_cluster(*, shared: Shared, brokers: int | None, nagios: bool) -> Request:
    """Say whether the cluster is well: 0 yes, 7 no, 3 it cannot be told.

    It looks at the controller, at brokers that hold replicas and are gone, at partitions without a leader, below
    min.insync.replicas or out of sync, at log dirs, and at transactions that hang.

    Example: kcon check cluster --brokers 3

    Example: kcon check cluster --nagios
    """
    return CheckCluster(shared=shared, brokers=brokers, nagios=nagios)


@leaf("restart", parent=COMMAND, options=[*output_options(), *connection_options()])
@click.argument("broker", type=click.IntRange(min=0))
@click.option(
    "--allow-single", is_flag=True, help="Partitions without another replica may be gone for a while: only warn."
)
def check_restart(*, shared: Shared, broker: int, allow_single: bool) -> Request:
    """Say whether a broker may be stopped: 0 yes, 7 no.

    No means that a partition would be offline or below its min.insync.replicas, or the metadata quorum lost.

    Example: kcon check restart 2

    Example: kcon check restart 2 --allow-single -o json
    """
    return CheckRestart(shared=shared, broker=broker, allow_single=allow_single)


@leaf("regex", parent=COMMAND, options=[*output_options()])
@click.argument("pattern")
def check_regex(*, shared: Shared, pattern: str) -> Request:
    """Say whether brokers take a regular expression in a subscription (KIP-848): 0 yes, 7 no. Asks no cluster.

    Its syntax is RE2's, which knows neither look-around nor references to groups.

    Example: kcon check regex 'orders[.].*'
    """
    return CheckRegex(shared=shared, pattern=pattern)
