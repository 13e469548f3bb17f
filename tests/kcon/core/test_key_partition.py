"""Keys go where Java clients send them."""

import pytest

from kcon.core.key_partition import murmur2, partition_of_key


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_kafkas_own_test_values(data: bytes, expected: int) -> None:
    """The values are those of Kafka's UtilsTest; its numbers are signed."""
    assert murmur2(data) == expected & 0xFFFFFFFF


def test_the_sign_bit_does_not_choose_the_partition() -> None:
    """Java masks it instead of taking the absolute value."""
    assert partition_of_key(b"21", 7) == (-973932308 & 0x7FFFFFFF) % 7
