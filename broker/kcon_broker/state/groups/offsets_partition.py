"""Which partition of `__consumer_offsets` holds a group?

Java's `String.hashCode` over UTF-16 code units, made non-negative as Kafka's `Utils.abs` does, modulo the
partition count: a group keeps its place if its log moves to Apache Kafka.
"""

import struct
from functools import lru_cache

OFFSETS_TOPIC = "__consumer_offsets"

_INT32_MIN = -(2**31)


@lru_cache(maxsize=4096)
def offsets_partition(group_id: str, partition_count: int) -> int:
    """Return the partition in [0, partition_count)."""
    unsigned = 0
    for (code_unit,) in struct.iter_unpack(">H", group_id.encode("utf-16-be", "surrogatepass")):
        unsigned = (31 * unsigned + code_unit) & 0xFFFFFFFF
    signed = unsigned - 2**32 if unsigned >= 2**31 else unsigned
    # The one value without a positive twin counts as zero.
    return (0 if signed == _INT32_MIN else abs(signed)) % partition_count
