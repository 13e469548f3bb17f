"""A queue between a thread and a loop that cannot grow."""

import asyncio
import threading

import pytest

from kcon.records.byte_queue import ByteQueue


def test_items_come_in_order_and_then_the_end() -> None:
    async def run() -> list[int | None]:
        queue: ByteQueue[int] = ByteQueue(1_000)

        def write() -> None:
            for number in range(3):
                queue.put(number, 10)
            queue.end()

        thread = threading.Thread(target=write)
        thread.start()
        got = [await queue.get() for _ in range(4)]
        thread.join()
        return got

    assert asyncio.run(run()) == [0, 1, 2, None]


def test_a_full_queue_holds_the_writer_back() -> None:
    """The bound is the point of it: 100 items of 10 bytes never hold more than 30 at a time."""

    async def run() -> tuple[int, int]:
        queue: ByteQueue[int] = ByteQueue(30)

        def write() -> None:
            for number in range(100):
                queue.put(number, 10)
            queue.end()

        thread = threading.Thread(target=write)
        thread.start()
        largest = count = 0
        while await queue.get() is not None:
            count += 1
            largest = max(largest, queue.size_bytes)
        thread.join()
        return count, largest

    count, largest = asyncio.run(run())
    assert count == 100
    assert largest <= 30


def test_an_item_above_the_bound_enters_an_empty_queue() -> None:
    """A record larger than the buffer is read all the same."""

    async def run() -> int | None:
        queue: ByteQueue[int] = ByteQueue(30)
        assert queue.put(7, 1_000)
        return await queue.get()

    assert asyncio.run(run()) == 7


def test_closing_turns_a_waiting_writer_away() -> None:
    async def run() -> bool:
        queue: ByteQueue[int] = ByteQueue(10)
        results: list[bool] = []
        queue.put(1, 10)
        thread = threading.Thread(target=lambda: results.append(queue.put(2, 10)))
        thread.start()
        queue.close()
        await asyncio.to_thread(thread.join)
        return results[0]

    assert asyncio.run(run()) is False


def test_the_error_comes_after_the_last_item() -> None:
    """What was read before a failure is not thrown away."""

    async def run() -> list[int | None]:
        queue: ByteQueue[int] = ByteQueue(100)
        queue.put(1, 10)
        queue.end(ValueError("gone"))
        got = [await queue.get()]
        with pytest.raises(ValueError, match="gone"):
            await queue.get()
        return got

    assert asyncio.run(run()) == [1]
