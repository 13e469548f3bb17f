"""A console over the cluster in memory: the app runs headless, its engine on the app's own event loop."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from textual.pilot import Pilot

from kcon.contexts.context import Context, Mode
from kcon.core.acl import Acl, AclOperation, AclPattern, AclPermission, AclResource
from kcon.core.broker_facts import BrokerRow, LogDir, Quorum, QuorumReplica, ReplicaSize
from kcon.core.ids import HostName, TopicPartition, topic_name
from kcon.core.quota import Quota, QuotaEntity
from kcon.core.transaction import ProducerState, TransactionDescription, TransactionListing
from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.observe.lag_engine import LagEngine
from kcon.observe.sampler import Sampler
from kcon.observe.store import Store
from kcon.records.record import Record, TimestampType
from kcon.services.search import SearchPlan
from kcon.services.session import open_session
from kcon.tui.address import parse_address
from kcon.tui.app import KconApp
from kcon.tui.engine import AnyJob, Job
from kcon.tui.events import SamplingFailed, SnapshotTaken
from kcon.tui.launch import Launch
from kcon.tui.screens.base import KconScreen

NOW_MS = 1_795_487_700_000
T = TypeVar("T")
WAIT_S = 20.0


class LoopEngine:
    """The engine's contract on the app's own loop: a look when it is asked for, jobs as tasks."""

    def __init__(self, context: Context, cluster: Any, folder: Path, now_ms: Callable[[], int]) -> None:
        self.context = context
        self.interval_ms = 2_000
        self.is_paused = False
        self.failure: KconError | None = None
        """What a look raises."""
        self._session = open_session(context, {"KCON_STATE_DIR": str(folder)}, now_ms)
        self._store = Store()
        self._sampler = Sampler(cluster, now_ms)
        self._receiver: Any = None
        self.jobs: deque[AnyJob] = deque(maxlen=100)
        """The last ones."""
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, receiver: Any) -> None:
        self._receiver = receiver
        self.refresh()

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def submit(self, job: Job[T]) -> Job[T]:
        self.jobs.append(job)
        job.task = self._spawn(job.run(self._session))
        return job

    def cancel(self, job: AnyJob) -> None:
        job.drop()
        if job.task is not None:
            job.task.cancel()

    def refresh(self) -> None:
        self._spawn(self.look())

    def lag_engine(self) -> LagEngine:
        return self._store.lag_engine

    def set_interval(self, interval_ms: int) -> None:
        self.interval_ms = interval_ms

    def set_paused(self, paused: bool) -> None:
        self.is_paused = paused

    def _spawn(self, work: Any) -> "asyncio.Task[None]":
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def look(self) -> None:
        try:
            if self.failure is not None:
                raise self.failure
            snapshot = await self._store.add(await self._sampler.sample())
        except KconError as error:
            self._receiver.post_message(SamplingFailed(error.message, error.hint))
            return
        self._receiver.post_message(SnapshotTaken(snapshot))


class Console:
    """A running console with its pilot, and what a test asks of it."""

    def __init__(self, app: KconApp, pilot: "Pilot[int]") -> None:
        self.app = app
        self.pilot = pilot

    @property
    def engine(self) -> LoopEngine:
        """The engine of the cluster that is shown."""
        assert isinstance(self.app.engine, LoopEngine)
        return self.app.engine

    @property
    def view(self) -> KconScreen:
        """The view in front."""
        screen = self.app.screen
        assert isinstance(screen, KconScreen)
        return screen

    def lines(self) -> list[str]:
        """Return the screen as text, a line a row."""
        width, height = self.app.size
        compositor = self.app.screen._compositor
        strips = compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips][:height] or [" " * width]

    def text(self) -> str:
        """Return the screen as one text."""
        return "\n".join(line.rstrip() for line in self.lines())

    async def until(self, is_so: "Callable[[], Any] | str") -> str:
        """Wait until a condition holds, or a text is on the screen; return the screen."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while not (is_so in self.text() if isinstance(is_so, str) else is_so()):
                    await self.pilot.pause()
                return self.text()
        raise AssertionError(f"not reached: {is_so!r}\n{self.text()}")

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type text."""
        names = {
            "/": "slash",
            ":": "colon",
            "@": "at",
            "-": "minus",
            "!": "exclamation_mark",
            "~": "tilde",
            " ": "space",
        }
        await self.press(*(names.get(char, char) for char in text))


class Consoles:
    """Runs tests of the console; the clock stands still unless it is moved."""

    def __init__(self, cluster: Any, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.mode = Mode.READ_WRITE
        self.now_ms = NOW_MS
        self.size = (100, 30)
        self.run_command: Any = None
        self.context: Context | None = Context(name="prod", bootstrap=("fake:9092",))
        self.contexts: list[tuple[str, str, str]] = []

    def launch(self, address: str = "overview") -> Launch:
        """Return what the console is started with."""
        context = self.context

        def resolve(name: str | None, bootstrap: str | None) -> Context:
            return Context(name=name or "(none)", bootstrap=(bootstrap or "fake:9092",), mode=self.mode)

        chosen = None if context is None else replace(context, mode=self.mode)
        return Launch(
            context=chosen,
            address=parse_address(address),
            open_engine=lambda of: LoopEngine(of, self.cluster, self.folder, lambda: self.now_ms),
            contexts=lambda: self.contexts,
            resolve=resolve,
            run_command=self.run_command,
            now_ms=lambda: self.now_ms,
            state_folder=lambda: self.folder,
        )

    def run(self, test: Callable[[Console], Awaitable[None]], address: str = "overview") -> None:
        """Start a console at an address and hand it to the test."""

        async def main() -> None:
            app = KconApp(self.launch(address))
            async with app.run_test(size=self.size) as pilot:
                console = Console(app, pilot)
                await pilot.pause()
                await test(console)

        asyncio.run(main())


@pytest.fixture
def consoles(orders: Any, tmp_path: Path) -> Consoles:
    """Return a runner of consoles over the cluster `orders`."""
    orders.requests_sent = Counter()
    return Consoles(orders, tmp_path)


@pytest.fixture
def widths() -> Callable[[Sequence[str]], set[int]]:
    """Return a function that measures lines in cells, as a terminal does."""
    from rich.cells import cell_len

    return lambda lines: {cell_len(line) for line in lines}


ORDERS_0 = TopicPartition(topic_name("orders"), 0)


def acl(operation: AclOperation, permission: AclPermission = AclPermission.ALLOW) -> Acl:
    return Acl(
        AclResource.TOPIC,
        WireText("orders"),
        AclPattern.LITERAL,
        WireText("User:alice"),
        WireText("*"),
        operation,
        permission,
    )


@pytest.fixture
def administration(consoles: Any) -> dict[str, Any]:
    """Let the cluster know brokers, rights, quotas, users, transactions and moves."""
    row = BrokerRow(id=1, host=HostName(WireText("b1")), port=9092, rack=WireText("r1"), fenced=False)
    replica = ReplicaSize(partition=ORDERS_0, size_bytes=2_048, offset_lag=0, is_future=False)
    log_dir = LogDir(path=WireText("/data"), error=None, total_bytes=1_000, usable_bytes=100, replicas=(replica,))
    voter = QuorumReplica(id=1, directory_id=None, log_end_offset=100, last_fetch_ms=None, last_caught_up_ms=None)
    consoles.cluster.answers.update(
        brokers=[row],
        log_dirs=lambda *_a, **_k: {1: (log_dir,)},
        quorum=Quorum(leader_id=1, leader_epoch=7, high_watermark=100, voters=(voter,), observers=()),
        acls=[acl(AclOperation.READ), acl(AclOperation.WRITE, AclPermission.DENY)],
        quotas=[Quota(QuotaEntity.of({"user": "alice"}), {"producer_byte_rate": 1_048_576.0})],
        scram_users={
            "alice": SimpleNamespace(
                name=WireText("alice"), credentials=[(SimpleNamespace(title="SCRAM-SHA-512"), 4_096)]
            )
        },
        transactions=SimpleNamespace(
            items=[TransactionListing(WireText("pay-1"), 9, "Ongoing", 1)],
            errors={},
        ),
        describe_transactions={
            "pay-1": TransactionDescription(
                WireText("pay-1"), "Ongoing", 9, 0, 60_000, consoles.now_ms - 120_000, (ORDERS_0,), 1
            )
        },
        producers={ORDERS_0: (ProducerState(ORDERS_0, 77, 0, 0, 0, 0, 40),)},
        reassignments={ORDERS_0: SimpleNamespace(replicas=(1, 2), adding=(2,), removing=())},
    )
    told: dict[str, Any] = consoles.cluster.answers
    return told


class Reading:
    """A stream of records: a batch of these, and then nothing for ever."""

    def __init__(self, batch: list[Record], notes: Sequence[str] = ()) -> None:
        self.planned = SimpleNamespace(notes=tuple(notes), hidden=0)
        self._batches = [batch]

    async def __aenter__(self) -> "Reading":
        return self

    async def __aexit__(self, *_error: object) -> None:
        return None

    def __aiter__(self) -> "Reading":
        return self

    async def __anext__(self) -> list[Record]:
        if not self._batches:
            await asyncio.Event().wait()
        return self._batches.pop()


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every view of records read the same few, and then wait."""

    async def open_stream(_session: object, _query: object) -> Reading:
        return Reading([_record(offset) for offset in range(30)])

    async def plan_nothing(_session: object, _query: object) -> SearchPlan:
        raise KconError("Records are not searched here.")

    monkeypatch.setattr("kcon.tui.record_reader.open_stream", open_stream)
    monkeypatch.setattr("kcon.tui.record_search.plan_search", plan_nothing)


def _record(offset: int) -> Record:
    value = f'{{"n": {offset}, "name": "x"}}'.encode()
    return Record(
        topic_name("orders"), 0, offset, NOW_MS, TimestampType.CREATE_TIME, b"key-%d" % (offset % 3), value, ()
    )
