"""Write docs/broker-configs.md: which configs of Apache Kafka 4.3 does kcon's broker act on?

python -m tests.tools.render_broker_configs > docs/broker-configs.md
"""

import sys
from collections.abc import Iterator, Mapping

from kcon_broker.state.configs.acting import ACTING, ACTING_GROUP_CONFIGS, ACTING_TOPIC_CONFIGS
from kcon_broker.state.configs.definitions import (
    ConfigDefinition,
    Scope,
    broker_definitions,
    client_metrics_definitions,
    group_definitions,
    topic_definitions,
)


def render() -> str:
    """Return the page."""
    return "\n".join([*_head(), *_topics(), *_brokers(), *_groups()]) + "\n"


def _head() -> Iterator[str]:
    listed = [one for one in broker_definitions().values() if one.scope not in (Scope.INTERNAL, Scope.UNLISTED)]
    counts = (
        f"{len(topic_definitions())} of topics, {len(listed)} of brokers, {len(group_definitions())} of groups and "
        f"{len(client_metrics_definitions())} of subscriptions to clients' metrics"
    )
    yield "# Configs of the broker"
    yield ""
    yield "kcon's broker knows every config of Apache Kafka 4.3 by name, with its type, default, limits and synonyms:"
    yield f"{counts}. All of them are described,"
    yield "validated, stored and told as Apache Kafka does it. **The ones below act.** The others are kept and mean"
    yield "nothing on one node without authentication, tiered storage and share or streams groups."
    yield ""
    yield "The page is made by `python -m tests.tools.render_broker_configs` from the tables that the broker reads."


def _topics() -> Iterator[str]:
    yield ""
    yield "## Topics"
    yield ""
    yield "A topic's own value comes first, then the broker's, set for this broker, for all brokers, or at the start"
    yield "(`--topic-default`). A change acts at once, on topics that exist as well."
    yield ""
    yield "| Topic config | Broker config | Default | |"
    yield "|---|---|---|---|"
    for name in ACTING_TOPIC_CONFIGS:
        one = topic_definitions()[name]
        yield f"| `{name}` | `{one.place}` | `{one.default}` | {one.documentation} |"


def _brokers() -> Iterator[str]:
    yield ""
    yield "## The broker"
    yield ""
    yield "Those that change at once do so for all brokers or for this one (`kafka-configs --entity-type brokers`);"
    yield "read-only ones say what the broker was started with."
    yield ""
    yield "| Broker config | Changes | |"
    yield "|---|---|---|"
    yield from _rows(broker_definitions(), sorted(acting.name for acting in ACTING))


def _rows(definitions: Mapping[str, ConfigDefinition], names: list[str]) -> Iterator[str]:
    for name in names:
        one = definitions[name]
        changes = "at once" if one.scope is Scope.CLUSTER_WIDE else "read-only"
        yield f"| `{name}` | {changes} | {one.documentation} |"


def _groups() -> Iterator[str]:
    yield ""
    yield "## Groups"
    yield ""
    yield "A group's own value comes before the broker's `group.<name>`, within the broker's limits for it."
    yield ""
    yield "| Group config | Default | |"
    yield "|---|---|---|"
    for name in ACTING_GROUP_CONFIGS:
        one = group_definitions()[name]
        yield f"| `{name}` | `{one.default}` | {one.documentation} |"


if __name__ == "__main__":
    sys.stdout.write(render())
