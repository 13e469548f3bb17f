"""A buffer is used again, but never while anybody holds a view of it."""

from kcon_broker.server.read_buffers import BufferPool
from kcon_broker.wire.frames import STAGING_BYTES, FrameReader


def test_a_free_buffer_is_used_again() -> None:
    pool = BufferPool()
    first = pool.take(100_000)
    first[:4] = b"once"
    part = first[:4]
    del first
    second = pool.take(100_000)
    second[:4] = b"twin"
    assert bytes(part) == b"once", "a slice of a view keeps its buffer"
    del part
    third = pool.take(99_999)
    assert bytes(third[:4]) == b"once", "the first buffer, free now"
    assert len(third) == 99_999


def test_any_size_is_served_and_little_is_wasted() -> None:
    pool = BufferPool()
    for size in (0, 1, 65_536, 65_537, (1 << 20) + 8_192, 55 << 20):
        view = pool.take(size)
        assert len(view) == size
        assert isinstance(view.obj, bytearray)
        assert size <= len(view.obj) <= max(size * 1.13, 131_072)


def test_more_than_is_kept_is_served_too() -> None:
    pool = BufferPool()
    views = [pool.take(1 << 20) for _ in range(40)]
    assert len({id(view.obj) for view in views}) == 40


def test_requests_that_are_kept_are_not_written_over() -> None:
    """A batch waits for its write while the next request is received; afterwards its memory is used again."""
    pool = BufferPool()
    reader = FrameReader(take_buffer=pool.take)
    size = STAGING_BYTES * 3
    bodies = [bytes([number]) * size for number in range(4)]
    kept: list[memoryview] = []
    for body in bodies:
        kept += reader.feed(size.to_bytes(4, "big") + body)
    assert [bytes(frame) for frame in kept] == bodies
    memory = {id(frame.obj) for frame in kept}
    assert len(memory) == len(bodies)
    kept.clear()
    (again,) = reader.feed(size.to_bytes(4, "big") + bodies[0])
    assert again == bodies[0]
    assert id(again.obj) in memory
