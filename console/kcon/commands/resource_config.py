"""The settings of groups, of a broker's loggers and of client metrics: shown and changed in one way."""

from typing import Any, ClassVar

import click

from kcon.commands.options import (
    ConfigEdits,
    confirmation,
    connection_options,
    edits_or_filter,
    output_options,
    takes_config_edits,
    takes_confirmation,
)
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf

_ANSWER = [*output_options(), *connection_options()]


class ResourceConfig(Request):
    """Show or change settings of one kind of resource."""

    names: tuple[str, ...] = ()
    """Empty: every one that has settings of its own."""
    every: bool = False
    """Defaults too."""
    edits: tuple[tuple[str, str, str | None], ...] = ()
    confirmation: Confirmation = Confirmation()


class GroupConfig(ResourceConfig):
    """Show or change the settings of groups."""

    command: ClassVar[str] = "group config"


class BrokerLoggers(ResourceConfig):
    """Show or change how much brokers log."""

    command: ClassVar[str] = "broker loggers"


class ClientMetrics(ResourceConfig):
    """Show or change subscriptions to metrics of clients."""

    command: ClassVar[str] = "cluster client-metrics"


def _checked(names: tuple[str, ...], edits: ConfigEdits, what: str) -> None:
    if edits and not names:
        raise click.UsageError(f"Name the {what} whose settings change.")


def _choice(values: dict[str, Any]) -> Confirmation:
    return confirmation(values["dry_run"], values["yes"], values["confirm"])


def add_group_config(noun: Noun) -> None:
    """Hang `config` below `kcon group`."""

    @leaf("config", parent=noun, options=[*output_options(where=True), *connection_options()])
    @click.argument("names", metavar="[GROUP]...", nargs=-1)
    @click.option("--all", "every", is_flag=True, help="Show defaults too, not only what somebody set.")
    @takes_config_edits
    @takes_confirmation
    def group_config(*, shared: Shared, names: tuple[str, ...], every: bool, **values: Any) -> Request:
        """Show the settings of groups (KIP-848), or change them. Without a name: of every group that has its own.

        Example: kcon group config billing --all

        Example: kcon group config billing --set consumer.session.timeout.ms=60000
        """
        edits = edits_or_filter(values, shared)
        _checked(names, edits, "groups")
        return GroupConfig(shared=shared, names=names, every=every, edits=edits, confirmation=_choice(values))


def add_broker_loggers(noun: Noun) -> None:
    """Hang `loggers` below `kcon broker`."""

    @leaf("loggers", parent=noun, options=[*output_options(where=True), *connection_options()])
    @click.argument("names", metavar="ID...", nargs=-1, required=True)
    @takes_config_edits
    @takes_confirmation
    def broker_loggers(*, shared: Shared, names: tuple[str, ...], **values: Any) -> Request:
        """Show how much brokers log, logger by logger, or change that until they stop (KIP-412).

        Example: kcon broker loggers 1 --set kafka.server.ReplicaManager=DEBUG
        """
        from kcon.commands.broker import broker_ids

        return BrokerLoggers(
            shared=shared,
            names=tuple(str(each) for each in broker_ids(names)),
            every=True,
            edits=edits_or_filter(values, shared),
            confirmation=_choice(values),
        )


def add_client_metrics(noun: Noun) -> None:
    """Hang `client-metrics` below `kcon cluster`."""

    @leaf("client-metrics", parent=noun, options=[*output_options(where=True), *connection_options()])
    @click.argument("names", metavar="[NAME]...", nargs=-1)
    @takes_config_edits
    @takes_confirmation
    def client_metrics(*, shared: Shared, names: tuple[str, ...], **values: Any) -> Request:
        """Show which metrics brokers ask of clients, or change it (KIP-714). Without a name: every subscription.

        Its settings are `metrics`, `interval.ms` and `match`. One without settings is gone.

        Example: kcon cluster client-metrics

        Example: kcon cluster client-metrics apps --set metrics=org.apache.kafka.consumer.
        """
        edits = edits_or_filter(values, shared)
        _checked(names, edits, "subscriptions")
        return ClientMetrics(shared=shared, names=names, every=True, edits=edits, confirmation=_choice(values))
