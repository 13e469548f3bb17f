"""Which columns do the tables of the overview have, and what stands in their rows?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kcon.observe.snapshot import ClusterSnapshot
from kcon.tui.lag_text import show_time_lag, time_lag_role
from kcon.tui.needs import Need
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.disk_columns import full_role, show_full_in, show_share
from kcon.tui.text import cut_middle, show_eta, show_rate

if TYPE_CHECKING:
    from kcon.services.standing import Standing

TOP_MAX = 200
"""Rows in the panels; the lists show the rest."""


def level_role(value: object) -> str:
    """Return the role of how urgent something is; the word says it too."""
    return "bad" if value == "page" else "warn"


NEED_COLUMNS = (
    Column(
        key="level",
        title="NEEDS YOU 999",
        role=lambda value: "bad" if value == "page" else "warn",
        sort=False,
        width=13,
    ),
    Column(key="subject", title="", search=True, sort=False, width_max=28),
    Column(key="what", title="", search=True, sort=False, width_max=30),
    Column(key="detail", title="", search=True, sort=False, flex=True, flex_min=12),
    Column(key="go", title="", sort=False, drop=1, width_max=26, role=lambda _value: "dim"),
)
GROUP_COLUMNS = (
    Column(key="group", title="WORST GROUPS", flex=True, flex_wish=24, draw=cut_middle, search=True),
    Column(key="time", title="TIME", right=True, drop=3, show=show_time_lag, role=time_lag_role, sort=False),
    Column(key="lag", title="LAG", right=True),
    Column(key="eta", title="ETA", right=True, width=7, drop=2, show=show_eta),
)
TOPIC_COLUMNS = (
    Column(key="topic", title="TOP TOPICS", flex=True, flex_wish=24, draw=cut_middle, search=True),
    Column(key="in", title="IN/s", right=True, width=8, show=show_rate),
    Column(key="share", title="SHARE", right=True, width=5, drop=2),
    Column(key="hot", title="HOT", right=True, drop=3, sort=False, role=lambda _value: "warn"),
)
BROKER_COLUMNS = (
    Column(key="broker", title="BROKER", flex=True),
    Column(key="in", title="IN/s", right=True, width=8, show=show_rate),
    Column(key="out", title="OUT/s", right=True, width=8, drop=4, show=show_rate),
    Column(key="disk", title="DISK", right=True, width=4, drop=2, show=show_share, role=full_role),
    Column(key="full", title="FULL", right=True, drop=3, show=show_full_in),
    Column(key="urp", title="URP", right=True, drop=1, role=lambda value: "warn" if value else "text"),
)


def need_rows(needs: Sequence[Need]) -> Rows:
    """Return the rows of what needs a person."""
    return Rows(
        keys=[need.key for need in needs],
        values={
            "level": [need.level for need in needs],
            "subject": [need.subject for need in needs],
            "what": [need.what for need in needs],
            "detail": [need.detail for need in needs],
            "go": [f"> {need.address}" for need in needs],
        },
    )


def group_rows(snapshot: ClusterSnapshot) -> Rows:
    """Return the groups that are farthest behind."""
    groups = snapshot.groups
    # Unknown lag stands above none: it is not known to be well.
    order = sorted(range(len(groups)), key=lambda index: (groups.lag[index] or 0, groups.unknown[index]), reverse=True)[
        :TOP_MAX
    ]
    return Rows(
        keys=[("group", groups.group[index]) for index in order],
        values={
            "group": [groups.group[index] for index in order],
            "time": [groups.time_lag[index] if index < len(groups.time_lag) else None for index in order],
            "lag": [groups.lag[index] for index in order],
            "eta": [groups.eta_ms[index] for index in order],
        },
    )


def topic_rows(snapshot: ClusterSnapshot) -> Rows:
    """Return the topics that move most."""
    topics = snapshot.topics
    rates = topics.in_per_s
    order = [index for index in range(len(topics)) if not topics.internal[index]]
    order.sort(key=lambda index: rates[index] or 0.0, reverse=True)
    total = sum(rates[index] or 0.0 for index in order)
    order = order[:TOP_MAX]
    shares = [None if rate is None or total <= 0 else f"{rate / total:.0%}" for rate in rates]
    return Rows(
        keys=[("topic", topics.name[index]) for index in order],
        values={
            "topic": [topics.name[index] for index in order],
            "in": [rates[index] for index in order],
            "share": [shares[index] for index in order],
            "hot": [None if (hot := topics.hot[index]) is None else f"p{hot}!" for index in order],
        },
    )


def broker_rows(snapshot: ClusterSnapshot, standing: "Standing | None") -> Rows:
    """Return the brokers."""
    brokers = snapshot.brokers
    ids = brokers.broker_id
    controller = None if standing is None else standing.controller_id
    return Rows(
        keys=list(ids),
        values={
            "broker": [f"{each} ctrl" if each == controller else str(each) for each in ids],
            "in": brokers.in_per_s,
            "out": brokers.out_per_s,
            "disk": [None if standing is None else standing.used_share(each) for each in ids],
            "full": [None if standing is None else standing.full_in_ms(each) for each in ids],
            "urp": brokers.under_replicated,
        },
    )
