"""How far is a job that writes to a cluster? A record in the same transaction as what it wrote says so.

Loads, copies and migrations keep their progress in the compacted topic `kcon-progress` of the cluster they write to.
The progress and the records of a step become visible together or not at all, so a job that is killed at any moment
goes on without loss and without duplicates (KIP-98).

A job has one transactional id. Starting the sender fences an earlier run; only then the progress is read, and only
when no transaction of anybody hides the newest of it.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kcon.admin.topic_changes import NewTopic
from kcon.core.ids import TopicName, topic_name
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, UnreachableError, UsageError
from kcon.gate.gate import confirmation_name
from kcon.gate.permit import Operation, Permit
from kcon.records.read_plan import Isolation
from kcon.records.record import NewRecord
from kcon.services.produce import produce
from kcon.services.records import RecordQuery, RecordReading, plan_read
from kcon.services.session import Session
from kcon.services.topic_changes import TopicCreatePlan, apply_create
from kcon.services.topics import is_missing

PROGRESS_TOPIC: Final = topic_name("kcon-progress")
JOB_CHARS_MAX: Final = 100
FORMAT: Final = 1
HIDDEN_WAIT_S: Final = 75.0
"""Longer than the transactions of jobs may stay open (`records.transaction`)."""
HIDDEN_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What the gate is asked: may records be written to these topics, the progress among them?"""

    topics: frozenset[TopicName]
    confirmed_by: str | None = None

    @property
    def operation(self) -> Operation:
        """The kind of mutation."""
        return Operation.PRODUCE

    @property
    def targets(self) -> frozenset[str]:
        """The topics' raw names."""
        return frozenset(topic.raw for topic in self.topics)


def restated(confirmed_by: str, main: frozenset[str], targets: frozenset[str]) -> str:
    """Return the gate's word for one step of a plan of which the user, in a protected context, typed the name.

    main: what the plan as a whole was confirmed for.
    """
    if confirmed_by != f"name:{confirmation_name(main)}":
        return confirmed_by
    return f"name:{confirmation_name(targets)}"


async def authorise_job(session: Session, topics: frozenset[TopicName], main: TopicName, confirmed_by: str) -> Permit:
    """Return the permit to write to topics and to the progress topic, which is made if it is not there."""
    asked, own = frozenset({main.raw}), frozenset({PROGRESS_TOPIC.raw})
    if confirmed_by == f"name:{confirmation_name(frozenset(topic.raw for topic in topics))}":
        asked = frozenset(topic.raw for topic in topics)
    await ensure_progress_topic(session, restated(confirmed_by, asked, own))
    plan = JobPlan(topics=topics | {PROGRESS_TOPIC})
    return await session.authorise(replace(plan, confirmed_by=restated(confirmed_by, asked, plan.targets)))


def job_name(kind: str, *parts: str) -> str:
    """Return the name of a job that nobody named: the same for the same parts."""
    digest = hashlib.sha256("\0".join((kind, *parts)).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{kind}-{digest[:12]}"


def check_job_name(name: str) -> str:
    """Return the name. UsageError unless it is short and plain: it becomes part of a transactional id."""
    if (
        not name
        or len(name) > JOB_CHARS_MAX
        or not all(char.isascii() and (char.isalnum() or char in "-_.") for char in name)
    ):
        raise UsageError(
            f"{display_safe(name)} is no name for a job.",
            f"Take letters, digits, '-', '_' and '.', at most {JOB_CHARS_MAX}.",
        )
    return name


def transactional_id(job: str) -> str:
    """Return the transactional id of a job."""
    return f"kcon-{job}"


def progress_record(job: str, state: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return key and value of a progress record."""
    value = {"format": FORMAT, "job": job, **state}
    return job.encode("utf-8", "surrogateescape"), json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()


async def ensure_progress_topic(session: Session, confirmed_by: str) -> bool:
    """Create the progress topic unless it is there; return whether it was made. Through the gate."""
    admin = await session.admin()
    if not is_missing((await admin.topics([PROGRESS_TOPIC]))[0]):
        return False
    new = NewTopic(name=PROGRESS_TOPIC, partitions=1, configs={"cleanup.policy": "compact"})
    results = await apply_create(session, TopicCreatePlan(topics=(new,), confirmed_by=confirmed_by))
    error = results[PROGRESS_TOPIC]
    if error is not None and error.name != "TOPIC_ALREADY_EXISTS":
        raise error.as_exception(f"topic {PROGRESS_TOPIC}")
    return True


async def read_progress(session: Session, job: str) -> dict[str, Any] | None:
    """Return the newest committed progress of a job, or None. Call it after the job's sender was entered.

    UnreachableError when a transaction of somebody else keeps hiding the end of the topic.
    """
    found = await read_progress_records(session, job)
    return found.get(job)


async def peek_progress(session: Session, job: str) -> dict[str, Any] | None:
    """Return what `read_progress` would, for a plan: no run is fenced, so it may be old by the time it is used."""
    return (await peek_progress_records(session, job)).get(job)


async def peek_progress_records(session: Session, prefix: str) -> dict[str, dict[str, Any]]:
    """Return what `read_progress_records` would, for a plan."""
    admin = await session.admin()
    if is_missing((await admin.topics([PROGRESS_TOPIC]))[0]):
        return {}
    return await read_progress_records(session, prefix)


async def write_state(session: Session, key: str, state: Mapping[str, Any], confirmed_by: str) -> None:
    """Write a record of progress that belongs to no transaction. KconError when it was not written."""
    await ensure_progress_topic(session, confirmed_by)
    permit = await session.authorise(JobPlan(topics=frozenset({PROGRESS_TOPIC}), confirmed_by=confirmed_by))
    name, value = progress_record(key, state)
    report = await produce(session, PROGRESS_TOPIC, [NewRecord(key=name, value=value)], permit)
    session.gate.record_result(permit, ok=report.ok, detail={"key": key})
    if not report.ok:
        raise KconError(f"The progress was not written: {report.failures[0].reason}.")


async def read_progress_records(session: Session, prefix: str) -> dict[str, dict[str, Any]]:
    """Return the newest committed records whose key is `prefix` or begins with it and a `/`."""
    query = RecordQuery(topics=(PROGRESS_TOPIC,), isolation=Isolation.READ_COMMITTED, exact=True)
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + HIDDEN_WAIT_S
    while (planned := await plan_read(session, query)).hidden:
        if loop.time() > deadline_s:
            raise UnreachableError(
                f"An open transaction hides the end of {PROGRESS_TOPIC}.", "`kcon txn hanging` finds it."
            )
        await asyncio.sleep(HIDDEN_POLL_S)
    whole, within = (text.encode("utf-8", "surrogateescape") for text in (prefix, f"{prefix}/"))
    newest: dict[bytes, bytes | None] = {}
    async with RecordReading(session, planned, query, None) as reading:
        async for batch in reading:
            for record in batch:
                if record.key is not None and (record.key == whole or record.key.startswith(within)):
                    newest[record.key] = record.value
    return {key.decode("utf-8", "surrogateescape"): _state(value) for key, value in newest.items() if value is not None}


def _state(value: bytes) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads(value)
        if state["format"] != FORMAT:
            raise ValueError("another format")
    except (ValueError, KeyError, TypeError) as error:
        raise KconError(
            f"A record of {PROGRESS_TOPIC} cannot be read: another version of kcon wrote it.",
            "Start anew with another --job.",
        ) from error
    return state
