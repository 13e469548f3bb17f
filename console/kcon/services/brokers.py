"""What do the brokers carry? Their rows, what they lead and hold, and their disks."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kcon.core.broker_facts import BrokerRow, LogDir
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import TopicInfo
from kcon.errors import KconError
from kcon.observe.controller import active_controller
from kcon.services.session import Session


class BrokerLoads:
    """How many partitions does a broker lead and hold? Counted once over all topics."""

    def __init__(self, topics: Iterable[TopicInfo]) -> None:
        self._leaders: Counter[int] = Counter()
        self._replicas: Counter[int] = Counter()
        self._behind: Counter[int] = Counter()
        for topic in topics:
            for part in topic.partitions:
                self._leaders[part.leader_id] += 1
                self._replicas.update(part.replicas)
                self._behind.update(set(part.replicas) - set(part.isr))

    def __call__(self, broker_id: int) -> dict[str, int]:
        return {
            "leaders": self._leaders[broker_id],
            "replicas": self._replicas[broker_id],
            "out_of_sync": self._behind[broker_id],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokersFound:
    """All brokers at one moment. What could not be read is a sentence, and the rest is there."""

    rows: tuple[BrokerRow, ...]
    controller_id: int | None
    """The active controller; None: nobody tells."""
    loads: BrokerLoads
    log_dirs: Mapping[int, tuple[LogDir, ...] | KafkaError]
    problems: tuple[str, ...] = ()


async def read_brokers(session: Session) -> BrokersFound:
    """Return the brokers with what they carry."""
    admin = await session.admin()
    rows = await admin.brokers()
    info = await admin.cluster()
    topics = await admin.topics()
    problems: list[str] = []
    log_dirs: Mapping[int, tuple[LogDir, ...] | KafkaError] = {}
    try:
        log_dirs = await admin.log_dirs()
    except KconError as error:
        problems.append(f"Disks: {error.message}")
    problems += [
        f"Disks of broker {broker_id}: {told}." for broker_id, told in log_dirs.items() if isinstance(told, KafkaError)
    ]
    return BrokersFound(
        rows=tuple(rows),
        controller_id=await active_controller(admin, info),
        loads=BrokerLoads(topics),
        log_dirs=log_dirs,
        problems=tuple(problems),
    )
