"""Which metrics are there at all? Every family that kcon can serve, told by a tick of an empty cluster."""

from collections.abc import Iterator

from kcon.core.snapshot import ClusterInfo
from kcon.observe.exposition import Family
from kcon.observe.lag_engine import LagEngine
from kcon.observe.metric_families import Profile, Tick, metric_families
from kcon.observe.sampler import Sample

OWN = (
    Family("kcon_up", "gauge", "1 when the last look succeeded.", (), ()),
    Family("kcon_last_success_timestamp_seconds", "gauge", "When the cluster was last read.", (), ()),
)
"""What is there when the cluster never was."""
OF_ALERTS = (
    Family("kcon_alerts", "gauge", "Alerts by rule and state, `kcon daemon` alone.", ("rule", "state"), ()),
    Family(
        "kcon_alert_messages_total",
        "counter",
        "Messages to sinks by what came of them: sent, failed (to be tried again) or given_up.",
        ("sink", "outcome"),
        (),
    ),
    Family("kcon_alert_messages_waiting", "gauge", "Messages that sinks have not been told yet.", (), ()),
)
OF_PROBES = (
    Family("kcon_probe_up", "gauge", "1 where the last probe got through, `kcon daemon` with [probe] alone.", (), ()),
    Family("kcon_probe_timestamp_seconds", "gauge", "When the last probe ended.", (), ()),
    Family(
        "kcon_probe_records",
        "gauge",
        "Records of the last probe: sent, and those of them refused, lost, duplicate, not_committed.",
        ("outcome",),
        (),
    ),
    Family("kcon_probe_round_trip_seconds", "gauge", "From writer to reader, of the last probe.", ("quantile",), ()),
)


def families_of(profile: Profile) -> list[Family]:
    """Return the families of one profile, without samples."""
    empty = Sample(
        taken_ms=0, duration_ms=0, cluster=ClusterInfo(cluster_id=None, controller_id=-1, brokers=()), topics=[]
    )
    tick = Tick(sample=empty, engine=LagEngine(), cluster_name="", profiles=frozenset({profile}))
    return [family._replace(samples=()) for family in metric_families(tick)]


def every_family() -> Iterator[Family]:
    """Return all of them."""
    yield from OWN
    for profile in Profile:
        yield from families_of(profile)
    yield from OF_ALERTS
    yield from OF_PROBES
