"""A trouble that comes a thousand times is told a few times, and counted."""

import logging

from kcon_broker.server.repeated import INTERVAL_S, TOLD_MAX, RepeatedLines


class Log:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.lines: list[str] = []
        self._filter = RepeatedLines(lambda: self.now_s)

    def warn(self, format_text: str, *arguments: object) -> None:
        record = logging.LogRecord("kcon_broker", logging.WARNING, "file", 1, format_text, arguments, None)
        if self._filter.filter(record):
            self.lines.append(record.getMessage())


def test_only_the_first_lines_of_a_kind_are_told() -> None:
    log = Log()
    for number in range(1_000):
        log.warn("refused %d", number)
        log.warn("closed %d", number)
    told = [line for line in log.lines if line.startswith("refused")]
    assert told[:2] == ["refused 0", "refused 1"]
    assert told[2] == f"refused 2 (more like this are only counted for {INTERVAL_S:.0f} s)"
    assert len(told) == TOLD_MAX
    assert len(log.lines) == 2 * TOLD_MAX


def test_the_next_interval_begins_with_the_count() -> None:
    log = Log()
    for number in range(10):
        log.warn("refused %d", number)
    log.now_s = INTERVAL_S + 1
    log.warn("refused %d", 10)
    assert log.lines[-1] == "refused 10 (7 more like this in between)"


def test_lines_without_a_format_are_told_each() -> None:
    """Recovery says something else of each partition."""
    log = Log()
    for number in range(10):
        log.warn("%s", f"t-{number} was cut")
    assert len(log.lines) == 10
