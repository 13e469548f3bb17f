"""Which record does `orders/3/48211` mean? Topic, partition and offset, in the one form used everywhere."""

from urllib.parse import unquote

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.wire_text import display_safe
from kcon.errors import UsageError


def parse_record_address(text: str) -> tuple[TopicPartition, int]:
    """Read TOPIC/PARTITION/OFFSET; the topic may be percent-encoded. UsageError when it is anything else."""
    topic, _, rest = text.partition("/")
    partition, slash, offset = rest.partition("/")
    numbers = (partition, offset)
    if not topic or not slash or not all(number.isascii() and number.isdecimal() for number in numbers):
        raise UsageError(f"{display_safe(text)} is no record.", "Write TOPIC/PARTITION/OFFSET, e.g. orders/3/48211.")
    if int(partition) >= 2**31 or int(offset) >= 2**63:
        raise UsageError(f"{display_safe(text)} is no record: the number is too large.")
    return TopicPartition(topic_name(unquote(topic)), int(partition)), int(offset)
