"""One story told by the Python clients: what a user of theirs would notice, as one line of JSON.

    python story.py kafka-python|aiokafka BOOTSTRAP NAME

Every wait has a deadline; what goes wrong ends the program with a traceback and a code other than 0.
"""

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

WAIT_S = 60


def kafka_python(bootstrap: str, name: str) -> dict[str, Any]:
    """Write and read in a group; its version probe is a table of API ranges."""
    kafka: Any = import_module("kafka")
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type="gzip")
    for number in range(300):
        producer.send(name, key=b"k%d" % number, value=b"v", headers=[("h", b"1")])
    producer.flush(WAIT_S)
    release = producer.config["api_version"]
    producer.close()
    consumer = kafka.KafkaConsumer(
        name,
        bootstrap_servers=bootstrap,
        group_id=name,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=WAIT_S * 1000,
    )
    seen = []
    for record in consumer:
        seen.append(record)
        if len(seen) == 300:
            break
    consumer.commit()
    places = [kafka.TopicPartition(name, partition) for partition in consumer.partitions_for_topic(name)]
    committed = sum(consumer.committed(place) or 0 for place in places)
    consumer.close()
    return {
        "release": list(release[:2]),
        "keys": len({record.key for record in seen}),
        "headers": sum(record.headers == [("h", b"1")] for record in seen),
        "committed": committed,
    }


def aiokafka(bootstrap: str, name: str) -> dict[str, Any]:
    """Write a transaction that is committed and one that is aborted, and read in a group."""
    library: Any = import_module("aiokafka")

    async def main() -> dict[str, Any]:
        producer = library.AIOKafkaProducer(
            bootstrap_servers=bootstrap, transactional_id=f"{name}-id", compression_type="gzip"
        )
        await producer.start()
        async with producer.transaction():
            for number in range(50):
                await producer.send(name, key=b"k%d" % number, value=b"v", partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(name, value=b"never", partition=0)
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send(name, key=b"last", value=b"v", partition=0)
        apis = {len(connection._versions) for connection in producer.client._conns.values()}
        await producer.stop()
        consumer = library.AIOKafkaConsumer(
            name,
            bootstrap_servers=bootstrap,
            group_id=name,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            async with asyncio.timeout(WAIT_S):
                seen = [await consumer.getone() for _ in range(51)]
            await consumer.commit()
            committed = await consumer.committed(library.TopicPartition(name, 0))
        finally:
            await consumer.stop()
        return {
            "keys": len({record.key for record in seen}),
            "last": seen[-1].key.decode(),
            "apis": list(apis),
            # 50 records, a marker, the aborted one, a marker, and the last.
            "committed": committed,
        }

    return asyncio.run(main())


if __name__ == "__main__":
    tell = {"kafka-python": kafka_python, "aiokafka": aiokafka}[sys.argv[1]]
    sys.stdout.write(json.dumps(tell(*sys.argv[2:])) + "\n")
