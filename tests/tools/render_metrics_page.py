"""Make docs/metrics.md: `python -m tests.tools.render_metrics_page > docs/metrics.md`."""

import sys
from collections.abc import Iterable, Iterator

from kcon.observe.exposition import Family
from kcon.observe.metric_catalogue import OF_ALERTS, OF_PROBES, OWN, families_of
from kcon.observe.metric_families import Profile
from kcon_broker.server.metrics import METRICS

_HEAD = """\
<!-- Made by `python -m tests.tools.render_metrics_page`; do not edit. -->

# Metrics

`kcon metrics --listen HOST:PORT` and `kcon daemon` serve these at `/metrics`, in Prometheus's text format or, when
asked for it, in OpenMetrics; `kcon metrics --once` prints them. A scrape is a read of memory and asks no cluster.
`--profile` chooses among the first three tables, `--label KEY=VALUE` puts a label on every series. A value that is
not known has no series. When a look fails, the last values stay, `kcon_up` is 0, and the time of the last success is
old.

`kcon metrics dashboards --into FOLDER` writes dashboards for Grafana, one a profile and one for the broker in the
box; `kcon alerts export` prints alert rules over these metrics."""

_BROKER = (
    "`kcon serve-broker --metrics HOST:PORT` serves these at `/metrics`, under the names that JMX exporters give "
    "Apache Kafka's. They need no look at the cluster."
)

_ABOUT = {
    Profile.EXPORTER: "The names of kafka_exporter, for the dashboards made for it.",
    Profile.LAG: "The names of kafka-lag-exporter and klag-exporter.",
    Profile.KCON: "What nobody else tells.",
}


def render() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    for profile in Profile:
        yield from _table(f"Profile `{profile.value}`", _ABOUT[profile], families_of(profile))
    yield from _table("Always there", "Whatever the profile.", OWN)
    yield from _table(
        "Of the broker in the box", _BROKER, [Family(*metric, samples=()) for metric in _broker_metrics()]
    )
    yield from _table("Of alerts", "`kcon daemon` alone.", OF_ALERTS)
    yield from _table("Of probes", "`kcon daemon` with `[probe]` in alerts.toml alone.", OF_PROBES)


def _broker_metrics() -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    for metric in METRICS:
        yield metric.name, metric.kind, metric.help, metric.labels


def _table(title: str, about: str, families: Iterable[Family]) -> Iterator[str]:
    yield from ("", f"## {title}", "", about, "", "| metric | labels | what it tells |", "|---|---|---|")
    for family in families:
        kind = " (counter)" if family.kind == "counter" else ""
        labels = ", ".join(f"`{label}`" for label in family.labels) or "—"
        yield f"| `{family.name}` | {labels} | {family.help}{kind} |"


if __name__ == "__main__":
    sys.stdout.write(render())
