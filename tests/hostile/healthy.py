"""Does a client that does nothing wrong notice the others? It produces and reads back, and keeps its times."""

import threading
import time
from statistics import quantiles

from kcon_broker.wire.error_codes import ErrorCode
from tests.kcon_broker.raw_client import RawClient, batch, produce

_PAUSE_S = 0.01


class HealthyClient:
    """One connection, one request at a time, on a thread of its own. Use it as a context."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._stop = threading.Event()
        self._is_served = threading.Event()
        self._thread = threading.Thread(target=self._run, name="healthy", daemon=True)
        self.times_ms: list[float] = []
        self.failures: list[str] = []

    def __enter__(self) -> "HealthyClient":
        self._thread.start()
        # Whoever attacks comes after it: it must not be one of those that are too many.
        self._is_served.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)
        if self._thread.is_alive():
            self.failures.append("the healthy client hangs")

    def _run(self) -> None:
        try:
            with RawClient(self._bootstrap) as client:
                while not self._stop.is_set():
                    began = time.perf_counter()
                    answer = produce(client, self._topic, batch(b"healthy"))
                    self.times_ms.append((time.perf_counter() - began) * 1_000)
                    self._is_served.set()
                    if answer.error_code != ErrorCode.NONE:
                        self.failures.append(f"error {answer.error_code}")
                    self._stop.wait(_PAUSE_S)
        except (OSError, EOFError, AssertionError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")


def p99_ms(times_ms: list[float]) -> float:
    """Return the time that one request in a hundred exceeds."""
    return quantiles(times_ms, n=100)[98] if len(times_ms) > 1 else 0.0


def calm_p99_ms(bootstrap: str, topic: str, seconds: float) -> float:
    """Return what the healthy client sees when it is alone."""
    with HealthyClient(bootstrap, topic) as client:
        time.sleep(seconds)
    return p99_ms(client.times_ms)
