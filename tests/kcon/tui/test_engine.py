"""The engine's thread: it posts and never touches, and nothing it meets ends it."""

import asyncio
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.message import Message

from kcon.contexts.context import Context
from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.errors import KconError, UnreachableError
from kcon.services.session import Session, open_session
from kcon.services.topics import list_topics
from kcon.tui.engine import Job, JobState, ThreadEngine
from kcon.tui.events import JobEnded, SamplingFailed, SnapshotTaken

WAIT_S = 20.0
CONTEXT = Context(name="prod", bootstrap=("fake:9092",))


class Inbox:
    """Takes messages from any thread."""

    def __init__(self) -> None:
        self._messages: queue.Queue[Message] = queue.Queue()

    def post_message(self, message: Message) -> bool:
        self._messages.put(message)
        return True

    def next(self, kind: type[Message]) -> Any:
        """Return the next message of a kind; the others are passed over."""
        until_s = time.monotonic() + WAIT_S
        while True:
            message = self._messages.get(timeout=max(0.0, until_s - time.monotonic()))
            if isinstance(message, kind):
                return message


@pytest.fixture
def make_engine(
    orders: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], tuple[ThreadEngine, Inbox]]]:
    """Return a maker of started engines over the cluster `orders`; they are stopped at the end."""
    orders.requests_sent = Counter()
    orders.answers["probe_times"] = {}
    engines: list[ThreadEngine] = []

    class Connecting:
        @staticmethod
        async def connect(_settings: object) -> Any:
            return orders

    monkeypatch.setattr("kcon.admin.client.Admin", Connecting)

    def make() -> tuple[ThreadEngine, Inbox]:
        engine = ThreadEngine(CONTEXT, lambda: open_session(CONTEXT, {"KCON_STATE_DIR": str(tmp_path)}))
        inbox = Inbox()
        engine.start(inbox)
        engines.append(engine)
        return engine, inbox

    yield make
    for engine in engines:
        engine.stop()


def submit(engine: ThreadEngine, inbox: Inbox, work: Any) -> tuple[list[Any], list[KconError], Job[Any]]:
    done: list[Any] = []
    failed: list[KconError] = []
    job = engine.submit(Job("job", work, inbox, done.append, failed.append))
    return done, failed, job


def test_names_come_first_and_offsets_soon(make_engine: Any) -> None:
    _engine, inbox = make_engine()
    first = inbox.next(SnapshotTaken).snapshot
    assert not first.has_offsets
    assert len(first.topics) == 3
    assert inbox.next(SnapshotTaken).snapshot.has_offsets


def test_a_job_runs_on_the_engine_and_calls_back_where_its_message_is_handled(make_engine: Any) -> None:
    engine, inbox = make_engine()
    threads: list[str] = []

    async def work(session: Session) -> int:
        threads.append(threading.current_thread().name)
        return len((await list_topics(session)).topics)

    done, failed, job = submit(engine, inbox, work)
    event = inbox.next(JobEnded)
    assert (done, failed) == ([], []), "nothing happens before the owner handles the message"
    event.job.deliver()
    assert (done, failed) == ([2], [])
    assert job.state is JobState.DONE
    assert threads == ["kcon engine"]


@pytest.mark.parametrize("error", [UnreachableError("No answer."), ZeroDivisionError("oops \x1b[2J")])
def test_an_error_of_a_job_is_a_sentence_and_the_engine_goes_on(make_engine: Any, error: Exception) -> None:
    engine, inbox = make_engine()

    async def work(_session: Session) -> None:
        raise error

    _done, failed, _job = submit(engine, inbox, work)
    inbox.next(JobEnded).job.deliver()
    assert isinstance(failed[0], KconError)
    assert "\x1b" not in failed[0].message

    async def fine(_session: Session) -> str:
        return "fine"

    done, _failed, _job = submit(engine, inbox, fine)
    inbox.next(JobEnded).job.deliver()
    assert done == ["fine"]


def test_a_cancelled_job_calls_nobody_back(make_engine: Any) -> None:
    engine, inbox = make_engine()
    started = threading.Event()
    ended = threading.Event()

    async def work(_session: Session) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    done, failed, job = submit(engine, inbox, work)
    assert started.wait(WAIT_S)
    engine.cancel(job)
    assert ended.wait(WAIT_S)
    job.deliver()
    assert (done, failed) == ([], [])


def test_a_look_that_fails_is_a_message_and_the_next_one_may_succeed(make_engine: Any, orders: Any) -> None:
    engine, inbox = make_engine()
    inbox.next(SnapshotTaken)
    whole = orders.topics

    async def broken(*_arguments: object) -> None:
        raise UnreachableError("b1:9092 does not answer.", "Is it running?")

    orders.topics = broken
    engine.refresh()
    failure = inbox.next(SamplingFailed)
    assert failure.reason == "b1:9092 does not answer."
    orders.topics = whole
    engine.refresh()
    inbox.next(SnapshotTaken)


def test_a_look_that_waited_in_vain_lengthens_no_pause(
    make_engine: Any, orders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is back after four seconds of silence must not stay unseen for twelve more."""
    rests: queue.Queue[float] = queue.Queue()
    rest = ThreadEngine._rest

    async def resting(engine: ThreadEngine, took_s: float, count: int) -> None:
        rests.put(took_s)
        await rest(engine, took_s, count)

    monkeypatch.setattr(ThreadEngine, "_rest", resting)

    async def broken(*_arguments: object) -> None:
        raise UnreachableError("b1:9092 does not answer.")

    engine, inbox = make_engine()
    inbox.next(SnapshotTaken)
    assert rests.get(timeout=WAIT_S) > 0
    orders.topics = broken
    engine.refresh()
    inbox.next(SamplingFailed)
    while rests.get(timeout=WAIT_S) > 0:
        pass


def test_a_wish_for_a_look_that_comes_while_one_runs_is_not_lost(make_engine: Any, orders: Any) -> None:
    engine, inbox = make_engine()
    engine.set_paused(True)
    while not inbox.next(SnapshotTaken).snapshot.has_offsets:
        pass
    whole = orders.topics
    began: queue.Queue[None] = queue.Queue()
    go_on = threading.Event()

    async def waiting() -> Any:
        began.put(None)
        await asyncio.to_thread(go_on.wait, WAIT_S)
        return await whole()

    orders.topics = waiting
    engine.refresh()
    began.get(timeout=WAIT_S)
    engine.refresh()
    go_on.set()
    began.get(timeout=WAIT_S)


def test_what_the_sampler_remembers_of_groups_is_there_for_jobs(make_engine: Any) -> None:
    engine, inbox = make_engine()
    while not inbox.next(SnapshotTaken).snapshot.has_offsets:
        pass

    async def work(_session: Session) -> Any:
        return engine.lag_engine().window(group_id("billing"), TopicPartition(topic_name("orders"), 1))

    done, _failed, _job = submit(engine, inbox, work)
    inbox.next(JobEnded).job.deliver()
    assert done[0].last_committed == 20


def test_stopping_ends_jobs_and_the_thread(make_engine: Any) -> None:
    engine, inbox = make_engine()
    ended = threading.Event()
    started = threading.Event()

    async def work(_session: Session) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    submit(engine, inbox, work)
    assert started.wait(WAIT_S)
    engine.stop()
    assert ended.is_set()
    engine.stop()
    engine.refresh()


def test_a_newer_picture_replaces_one_that_was_not_handled() -> None:
    snapshot: Any = object()
    assert SnapshotTaken(snapshot).can_replace(SnapshotTaken(snapshot))
    assert not SnapshotTaken(snapshot).can_replace(SamplingFailed("", ""))
