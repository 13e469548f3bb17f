"""How long does a rebalance of many members take, beside Apache Kafka, in both group protocols?

    python -m tests.bench.rebalance                    50 members, 100 partitions, 7 rounds
    python -m tests.bench.rebalance --members 10 --rounds 3

A round brings one more member into a stable group and ends when every member has its new partitions; then that member
leaves again. All members are driven by one thread that asks them in turn without a pause, on both brokers alike. In
the new protocol both brokers compute an assignment once a second at most (group.consumer.assignment.interval.ms).
Figures are printed, never asserted: machines differ.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from statistics import median

from kcon_broker.wire.error_codes import ErrorCode
from tests.bench.subjects import machine
from tests.semantics.brokers import running_apache, running_kcon
from tests.semantics.kafka import Broker, Kafka
from tests.semantics.members import ClassicMember, ConsumerMember, assignment, subscription


def classic_rounds(kafka: Kafka, members_count: int, partitions: int, rounds: int) -> list[float]:
    """Return the seconds of each round, in the classic protocol."""
    topic, group = kafka.topic(partitions=partitions), kafka.fresh()
    first = _classic(kafka, group, topic)
    _share(topic, partitions, [first])
    others = [_classic(kafka, group, topic) for _ in range(members_count - 2)]
    members = [first, *others]
    _bring_in(topic, partitions, [first], others)
    seconds = []
    for _ in range(rounds):
        new = _classic(kafka, group, topic)
        started = time.perf_counter()
        _bring_in(topic, partitions, members, [new])
        seconds.append(time.perf_counter() - started)
        new.leave()
        for member in members:
            while member.heartbeat() != ErrorCode.REBALANCE_IN_PROGRESS:
                pass
        _share(topic, partitions, members)
    return seconds


def _classic(kafka: Kafka, group: str, topic: str) -> ClassicMember:
    member = ClassicMember(kafka, group, protocols={"range": subscription(topic, owned={})})
    member.get_id()
    return member


def _bring_in(topic: str, partitions: int, members: Sequence[ClassicMember], new: Sequence[ClassicMember]) -> None:
    """Have new members join a stable group whose members learn it by their heartbeats."""
    for member in new:
        member.send_join()
    for member in members:
        while member.heartbeat() != ErrorCode.REBALANCE_IN_PROGRESS:
            pass
    _share(topic, partitions, [*members, *new], joined=new)


def _share(
    topic: str, partitions: int, members: Sequence[ClassicMember], *, joined: Sequence[ClassicMember] = ()
) -> None:
    """Have all members join, the leader assign, and everybody fetch its part."""
    for member in members:
        if member not in joined:
            member.send_join()
    answers = [member.joined() for member in members]
    assert not any(answer.error_code for answer in answers), answers
    ids = [member.member_id for member in members]
    parts = {member_id: assignment({topic: range(index, partitions, len(ids))}) for index, member_id in enumerate(ids)}
    for member, answer in zip(members, answers, strict=True):
        member.send_sync(parts if answer.leader == member.member_id else None)
    assert not any(member.synced().error_code for member in members)


def consumer_rounds(kafka: Kafka, members_count: int, partitions: int, rounds: int) -> list[float]:
    """Return the seconds of each round, in the new protocol."""
    topic, group = kafka.topic(partitions=partitions), kafka.fresh()
    members = [ConsumerMember(kafka, group, topic) for _ in range(members_count - 1)]
    for member in members:
        assert not member.join().error_code
    _until_shared(members, partitions)
    seconds = []
    for _ in range(rounds):
        new = ConsumerMember(kafka, group, topic)
        started = time.perf_counter()
        assert not new.join().error_code
        _until_shared([*members, new], partitions)
        seconds.append(time.perf_counter() - started)
        new.leave()
        _until_shared(members, partitions)
    return seconds


def _until_shared(members: Sequence[ConsumerMember], partitions: int) -> None:
    """Have all members heartbeat until they are at one epoch and own everything between them."""
    while True:
        for member in members:
            answer = member.report()
            assert not answer.error_code, answer
        owned = sum(len(indexes) for member in members for indexes in member.owned.values())
        least = min(sum(map(len, member.owned.values())) for member in members)
        if owned == partitions and least >= partitions // len(members) and len({one.epoch for one in members}) == 1:
            return


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.rebalance", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--members", type=int, default=50)
    parser.add_argument("--partitions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    print(f"rebalance of {options.members} members, {options.partitions} partitions; {machine()}\n")
    print("| protocol | broker | median ms | least ms | most ms | beside Apache Kafka |")
    print("|---|---|---|---|---|---|")
    with running_apache() as apache, running_kcon() as kcon:
        brokers = (Broker("apache", apache), Broker("kcon", kcon))
        for protocol, run in (("classic", classic_rounds), ("new (KIP-848)", consumer_rounds)):
            theirs = 0.0
            for broker in brokers:
                with Kafka(broker) as kafka:
                    run(kafka, options.members, options.partitions, 2)
                    seconds = run(kafka, options.members, options.partitions, options.rounds)
                middle = median(seconds)
                theirs = theirs or middle
                print(
                    f"| {protocol} | {broker.side.name} | {middle * 1e3:.1f} | {min(seconds) * 1e3:.1f} "
                    f"| {max(seconds) * 1e3:.1f} | {middle / theirs:.2f}x |"
                )
        for broker in brokers:
            broker.side.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
