"""How long does a test wait for a broker of `kcon_broker.testing`? Prints it; the bar is 50 ms once imported.

python -m tests.bench.in_process
"""

import statistics
import time

from kcon_broker.testing import InProcessBroker

_ROUNDS = 30


def main() -> None:
    """Start and stop brokers; print how long each took, the first of a process apart."""
    starts_ms: list[float] = []
    stops_ms: list[float] = []
    for _ in range(_ROUNDS):
        broker = InProcessBroker()
        began_s = time.perf_counter()
        broker.start()
        started_s = time.perf_counter()
        broker.stop()
        starts_ms.append((started_s - began_s) * 1000)
        stops_ms.append((time.perf_counter() - started_s) * 1000)
    first, *later = starts_ms
    print(f"start: first {first:.1f} ms, then median {statistics.median(later):.1f} ms, worst {max(later):.1f} ms")
    print(f"stop:  median {statistics.median(stops_ms):.1f} ms, worst {max(stops_ms):.1f} ms")


if __name__ == "__main__":
    main()
