"""The producer that most applications have (librdkafka), in a process of its own; and what it reaches without a broker.

    python -m tests.bench.librdkafka_client BOOTSTRAP TOPIC ACKS RECORD_BYTES MEGABYTES

BOOTSTRAP "mock" is librdkafka's own mock cluster, inside the client: its ceiling. Prints seconds and bytes.
"""

import sys
import time
from collections.abc import Sequence

CHUNK_RECORDS = 2_000
QUEUED_RECORDS_MAX = 60_000
FLUSH_LIMIT_S = 120.0


def main(arguments: Sequence[str]) -> None:
    """Produce, and print the seconds from the first record to the last acknowledgement."""
    from confluent_kafka import Producer

    bootstrap, topic, acks, record_bytes, megabytes = arguments[0], arguments[1], arguments[2], *map(int, arguments[3:])
    where = {"test.mock.num.brokers": 1} if bootstrap == "mock" else {"bootstrap.servers": bootstrap}
    producer = Producer(
        {
            **where,
            "acks": acks,
            "linger.ms": 5,
            "queue.buffering.max.messages": 2 * QUEUED_RECORDS_MAX,
            "queue.buffering.max.kbytes": 1 << 20,
            # Reports of success would be measured too; failures are what must not pass unseen.
            "delivery.report.only.error": True,
        }
    )
    failures: list[str] = []
    producer.list_topics(topic, timeout=10)
    record = {"value": b"x" * record_bytes}

    def note(error: object, _message: object) -> None:
        failures.append(str(error))

    total = left = megabytes * 1_000_000 // record_bytes
    began_s = time.perf_counter()
    while left > 0:
        if len(producer) > QUEUED_RECORDS_MAX:
            producer.poll(0.005)
            continue
        count = min(left, CHUNK_RECORDS)
        producer.produce_batch(topic, [dict(record) for _ in range(count)], on_delivery=note)
        left -= count
    undelivered = producer.flush(FLUSH_LIMIT_S)
    if undelivered or failures:
        raise SystemExit(f"{undelivered} records undelivered, {len(failures)} failed: {failures[:1]}")
    print(time.perf_counter() - began_s, total * record_bytes)


if __name__ == "__main__":
    main(sys.argv[1:])
