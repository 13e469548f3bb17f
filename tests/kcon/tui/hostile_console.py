"""A console on a real terminal over a cluster whose every text is hostile; it walks through all views by itself.

    python -m tests.kcon.tui.hostile_console FOLDER

What the terminal gets is looked at by test_hostile_screens.py. Ends with the words THE-END on the screen.
"""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from textual.pilot import Pilot

from kcon.admin.settings import AdminSettings
from kcon.contexts.context import Context
from kcon.core.acl import Acl, AclOperation, AclPattern, AclPermission, AclResource
from kcon.core.broker_facts import BrokerRow, LogDir, Quorum, QuorumReplica, ReplicaSize
from kcon.core.config_entry import ConfigEntry
from kcon.core.ids import GroupId, HostName, TopicPartition, topic_name
from kcon.core.quota import Quota, QuotaEntity
from kcon.core.transaction import ProducerState, TransactionDescription, TransactionListing
from kcon.core.wire_text import WireText
from kcon.records.record import Record, TimestampType
from kcon.tui.address import Group, Records, Topic
from kcon.tui.app import KconApp
from kcon.tui.launch import Launch
from kcon.tui.screens.base import KconScreen
from tests.hostile_text import CORPUS
from tests.kcon.conftest import NOW_MS, FakeCluster, FakeGroup, FakeTopic
from tests.kcon.tui.conftest import LoopEngine, Reading

TEXTS: Final = [text for text in CORPUS if text]
LISTS: Final = ("overview", "topics", "groups", "brokers", "acls", "quotas", "users", "transactions", "reassignments")
LOOK: Final = ("pagedown", "pagedown", "end", "pageup", "pageup")
"""Screens of a list that are looked at; the corpus is longer, and each list shows another part of it."""
DETAILS: Final = 40
"""Records that are looked at in full."""


class HostileCluster(FakeCluster):
    """A cluster that gives every text of the corpus as name, owner, host, setting and value."""

    def __init__(self) -> None:
        super().__init__()
        for text in TEXTS:
            self.topics_by_name[text] = FakeTopic([(0, 5)])
            where = TopicPartition(topic_name(text), 0)
            self.commit(text, text, 0, 2)
            self.groups_by_id[text].state = "Stable"
            self.groups_by_id[text].members = [(text, [where])]
        self.groups_by_id["billing"] = FakeGroup(
            state=TEXTS[0], members=[(text, [TopicPartition(topic_name(text), 0)]) for text in TEXTS]
        )
        wire = [WireText(text) for text in TEXTS]
        parts = [TopicPartition(topic_name(text), 0) for text in TEXTS]
        replicas = tuple(ReplicaSize(partition=part, size_bytes=1, offset_lag=0, is_future=False) for part in parts)
        self.answers |= {
            "brokers": [
                BrokerRow(id=number, host=HostName(text), port=9092, rack=text, fenced=False)
                for number, text in enumerate(wire, 1)
            ],
            "log_dirs": lambda *_a, **_k: {
                1: tuple(
                    LogDir(path=text, error=None, total_bytes=9, usable_bytes=1, replicas=replicas) for text in wire
                )
            },
            "quorum": Quorum(
                leader_id=1,
                leader_epoch=7,
                high_watermark=9,
                voters=(
                    QuorumReplica(
                        id=1, directory_id=None, log_end_offset=9, last_fetch_ms=None, last_caught_up_ms=None
                    ),
                ),
                observers=(),
            ),
            "acls": [
                Acl(AclResource.TOPIC, text, AclPattern.LITERAL, text, text, AclOperation.READ, AclPermission.ALLOW)
                for text in wire
            ],
            "quotas": [Quota(QuotaEntity.of({"user": text}), {"producer_byte_rate": 1.0}) for text in TEXTS],
            "scram_users": {
                text: SimpleNamespace(name=WireText(text), credentials=[(SimpleNamespace(title="SCRAM"), 4_096)])
                for text in TEXTS
            },
            "transactions": SimpleNamespace(
                items=[TransactionListing(text, 9, "Ongoing", 1) for text in wire], errors={}
            ),
            "describe_transactions": {
                text.raw: TransactionDescription(text, "Ongoing", 9, 0, 60_000, NOW_MS - 99_000, (part,), 1)
                for text, part in zip(wire, parts, strict=True)
            },
            "producers": {part: (ProducerState(part, 77, 0, 0, 0, 0, 40),) for part in parts},
            "reassignments": {part: SimpleNamespace(replicas=(1, 2), adding=(2,), removing=()) for part in parts},
        }

    async def describe_configs(self, resources: Any, names: Any = None) -> Any:
        entries = {
            WireText(text): ConfigEntry(
                name=WireText(text), value=WireText(text), source="dynamic-topic", read_only=False, sensitive=False
            )
            for text in TEXTS
            if names is None or text in names
        }
        return dict.fromkeys(resources, entries)


def read_corpus() -> Reading:
    """Return the corpus as keys, values and headers."""
    raw = [text.encode("utf-8", "surrogateescape") for text in TEXTS]
    batch = [
        Record(topic_name(text), 0, offset, NOW_MS, TimestampType.CREATE_TIME, value, value, ((WireText(text), value),))
        for offset, (text, value) in enumerate(zip(TEXTS, raw, strict=True))
    ]
    return Reading(batch, notes=TEXTS[:3])


def assert_nothing_live(app: KconApp) -> None:
    """No piece of the picture is a link or can be clicked."""
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            style = segment.style
            assert style is None or (style.link is None and "@click" not in (style.meta or {}))


async def look(app: KconApp, pilot: "Pilot[Any]", *keys: str) -> None:
    """Press keys and look."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
        assert_nothing_live(app)


async def walk(pilot: "Pilot[Any]") -> None:
    """Go through every view, page by page."""
    app = pilot.app
    assert isinstance(app, KconApp)
    while app.snapshot is None or not app.snapshot.has_offsets:
        await pilot.pause(0.02)
    for word in LISTS:
        app.execute_line(word)
        await pilot.pause()
        await look(app, pilot, *LOOK, "comma", "escape", "question_mark", "escape")
    for address in (
        Topic(topic_name(TEXTS[0])),
        Group(GroupId(WireText("billing"))),
        Records(topic_name(TEXTS[1]), 0, "start"),
    ):
        app.open(address)
        await pilot.pause()
        await look(app, pilot, *LOOK, "2", *LOOK, "3", *LOOK, "4", "5")
    await look(app, pilot, "home", "d", *["h", "j"] * DETAILS, "equals_sign", "full_stop", "escape")
    app.execute_line("groups")
    await look(app, pilot, "R", "s", "down", "escape", "u", "l", "escape")
    for text in TEXTS[:: len(TEXTS) // 20]:
        view = app.screen
        assert isinstance(view, KconScreen)
        view.say(text, bad=True)
        await look(app, pilot, "f1")
    app.execute_line("topics")
    await pilot.pause()
    view = app.screen
    assert isinstance(view, KconScreen)
    view.say("THE-END")
    await pilot.pause(0.5)


def main() -> None:
    """Run it."""
    cluster, folder = HostileCluster(), Path(sys.argv[1])

    async def connect(settings: AdminSettings) -> HostileCluster:
        cluster.context = settings.context
        return cluster

    async def open_stream(_session: object, _query: object) -> Reading:
        return read_corpus()

    launch = Launch(
        context=Context(name=TEXTS[0], bootstrap=("fake:9092",)),
        open_engine=lambda of: LoopEngine(of, cluster, folder, lambda: NOW_MS),
        now_ms=lambda: NOW_MS,
        state_folder=lambda: folder,
    )
    with (
        patch("kcon.services.session.Admin", SimpleNamespace(connect=connect)),
        patch("kcon.tui.record_reader.open_stream", open_stream),
    ):
        KconApp(launch).run(auto_pilot=walk)


if __name__ == "__main__":
    main()
