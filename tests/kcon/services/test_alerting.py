"""From findings to sinks: what is told, what waits, what comes again after a crash, and what never shows."""

import asyncio
import io
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kcon.core.alert import AlertPolicy, Finding, Observation, labels_of
from kcon.core.alert_rules import Severity
from kcon.observe.alert_store import AlertStore
from kcon.plugin_api.alerting import AlertMessage, SinkFailure, SinkTools
from kcon.services.alert_config import AlertConfig, SinkConfig, parse_alert_config
from kcon.services.alert_sinks import load_sink_kinds
from kcon.services.alerting import (
    GIVE_UP_MS,
    GIVE_UP_TRIES,
    NOTICES_MAX,
    OUTBOX_MAX,
    REFUSALS_MAX,
    RETRY_MS_MAX,
    Alerting,
    send_test,
)
from tests.http_receiver import Receiver, receiver

T0 = 1_795_487_700_000
KINDS, FAULTS = load_sink_kinds()


class Fake:
    """A sink that keeps messages, and fails as it is told."""

    def __init__(self) -> None:
        self.told: list[AlertMessage] = []
        self.failures: list[Exception] = []

    async def send(self, message: AlertMessage, tools: SinkTools) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.told.append(message)


class Watch:
    """An `Alerting` over a file, on a clock that the test moves."""

    def __init__(self, path: Path, *sinks: SinkConfig, policies: tuple[AlertPolicy, ...] = ()) -> None:
        self.path = path
        self.fake = Fake()
        self.sinks = sinks or (SinkConfig(name="ops", kind="fake", sink=self.fake),)
        self.policies = policies or (AlertPolicy(name="Late", severity=Severity.PAGE, resolve_after_ms=0),)
        self.now_ms = T0
        self.notes: list[str] = []
        self.open()

    def open(self) -> None:
        self.store = AlertStore(self.path)
        config = AlertConfig(policies=self.policies, sinks=self.sinks)
        self.alerting = Alerting(config, self.store, "prod", lambda: self.now_ms, note=self.notes.append)

    def crash(self) -> None:
        self.store.close()
        self.open()

    async def look(self, *groups: str, after_s: float = 0) -> None:
        self.now_ms += round(after_s * 1000)
        findings = tuple(Finding(rule="Late", labels=labels_of(group=each), summary=f"{each}.") for each in groups)
        await self.alerting.observe(Observation(findings=findings, judged=frozenset({"Late"})))

    async def tell(self) -> None:
        await self.alerting.flush(30)

    @property
    def told(self) -> list[list[tuple[str, str]]]:
        return [[(each.status, each.labels["group"]) for each in message.notices] for message in self.fake.told]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    watch = Watch(tmp_path / "a.sqlite")
    yield watch
    watch.store.close()


def test_one_look_is_one_message(watch: Watch) -> None:
    async def main() -> None:
        await watch.look("a", "b")
        await watch.tell()
        await watch.look("a", after_s=1)
        await watch.tell()

    asyncio.run(main())
    assert watch.told == [[("firing", "a"), ("firing", "b")], [("resolved", "b")]]
    assert watch.alerting.sends == {("ops", "sent"): 2}
    assert len({message.id for message in watch.fake.told}) == 2


def test_what_was_not_told_before_a_crash_is_told_after_it_once(watch: Watch) -> None:
    async def main() -> None:
        await watch.look("a")
        watch.crash()
        await watch.look("a", after_s=1)
        await watch.tell()
        watch.crash()
        await watch.look("a", after_s=1)
        await watch.tell()
        await watch.look(after_s=1)
        watch.crash()
        await watch.tell()

    asyncio.run(main())
    assert watch.told == [[("firing", "a")], [("resolved", "a")]]


def test_a_sink_that_fails_is_tried_again_later_and_later_in_order(watch: Watch) -> None:
    async def main() -> list[int]:
        watch.fake.failures = [SinkFailure("no answer")] * 12
        await watch.look("a")
        await watch.look(after_s=1)
        pauses = []
        for _ in range(12):
            await watch.tell()
            (first, _second) = watch.alerting.waiting
            pauses.append(first.next_ms - watch.now_ms)
            await watch.tell()  # It is not due yet, so nothing is tried.
            watch.now_ms = first.next_ms
        await watch.tell()
        await watch.tell()
        return pauses

    pauses = asyncio.run(main())
    assert watch.told == [[("firing", "a")], [("resolved", "a")]]
    assert 800 <= pauses[0] <= 1_000
    assert 1_600 <= pauses[1] <= 2_000
    assert max(pauses) <= RETRY_MS_MAX
    assert watch.notes == ["Sink ops cannot be told, and is tried again: no answer."]
    assert watch.alerting.sends == {("ops", "failed"): 12, ("ops", "sent"): 2}


def test_a_sink_that_asks_to_be_left_alone_is(watch: Watch) -> None:
    async def main() -> None:
        watch.fake.failures = [SinkFailure("busy", retry_after_s=90)]
        await watch.look("a")
        await watch.tell()

    asyncio.run(main())
    assert watch.alerting.waiting[0].next_ms - T0 == 90_000


@pytest.mark.parametrize(("refusals", "waits"), [(REFUSALS_MAX - 1, 1), (REFUSALS_MAX, 0)])
def test_what_is_refused_for_good_is_given_up(watch: Watch, refusals: int, waits: int) -> None:
    async def main() -> None:
        watch.fake.failures = [SinkFailure("the server answered 404", is_final=True)] * refusals
        await watch.look("a")
        for _ in range(refusals):
            await watch.tell()
            watch.now_ms += RETRY_MS_MAX

    asyncio.run(main())
    assert len(watch.alerting.waiting) == waits
    assert watch.alerting.sends["ops", "given_up"] == 1 - waits


def test_what_nobody_takes_for_a_day_is_given_up(watch: Watch) -> None:
    async def fail(after_ms: int) -> int:
        watch.fake.failures = [SinkFailure("no answer")]
        watch.now_ms += after_ms
        await watch.tell()
        return len(watch.alerting.waiting)

    async def main() -> None:
        await watch.look("a")
        for _ in range(GIVE_UP_TRIES):
            assert await fail(RETRY_MS_MAX) == 1
        assert await fail(T0 + GIVE_UP_MS - 1 - watch.now_ms) == 1
        assert await fail(1 + RETRY_MS_MAX) == 0

    asyncio.run(main())
    assert "was not told of [PAGE] Late on prod" in watch.notes[-1]


def test_a_clock_that_is_set_a_day_ahead_gives_nothing_up(watch: Watch) -> None:
    async def main() -> None:
        await watch.look("a")
        watch.fake.failures = [SinkFailure("no answer")]
        watch.now_ms += 2 * GIVE_UP_MS
        await watch.tell()

    asyncio.run(main())
    assert len(watch.alerting.waiting) == 1


def test_a_plugin_that_raises_is_a_failure_and_its_text_is_not_repeated(watch: Watch) -> None:
    async def main() -> None:
        watch.fake.failures = [ValueError("https://hooks/SECRET")]
        await watch.look("a")
        await watch.tell()

    asyncio.run(main())
    assert watch.notes == ["Sink ops cannot be told, and is tried again: the plugin failed (ValueError)."]


@pytest.mark.parametrize(("count", "omitted"), [(NOTICES_MAX, 0), (NOTICES_MAX + 1, 1)])
def test_a_flood_is_one_message_with_a_number(watch: Watch, count: int, omitted: int) -> None:
    async def main() -> None:
        await watch.look(*(f"g{index}" for index in range(count)))
        await watch.tell()

    asyncio.run(main())
    (message,) = watch.fake.told
    assert (len(message.notices), message.omitted) == (NOTICES_MAX, omitted)
    assert message.title == f"[PAGE] Late and {count - 1} more on prod"


def test_messages_that_nobody_takes_are_bounded(watch: Watch) -> None:
    async def main() -> None:
        for index in range(OUTBOX_MAX + 2):
            await watch.look(*(["a"] if index % 2 == 0 else []), after_s=1)

    asyncio.run(main())
    assert len(watch.alerting.waiting) == OUTBOX_MAX
    assert watch.alerting.sends["ops", "given_up"] == 2
    assert watch.alerting.waiting[0].message.notices[0].since_ms == T0 + 3_000


def test_each_sink_is_told_what_concerns_it(tmp_path: Path) -> None:
    fakes = {name: Fake() for name in ("pages", "warns", "some", "all")}
    watch = Watch(
        tmp_path / "a.sqlite",
        SinkConfig(name="pages", kind="f", sink=fakes["pages"], severities=frozenset({"page"})),
        SinkConfig(name="warns", kind="f", sink=fakes["warns"], severities=frozenset({"warn"})),
        SinkConfig(name="some", kind="f", sink=fakes["some"], rules=("Lat*",)),
        SinkConfig(name="all", kind="f", sink=fakes["all"]),
        policies=(
            AlertPolicy(name="Late", severity=Severity.PAGE),
            AlertPolicy(name="Full", sinks=("all", "warns")),
        ),
    )

    async def main() -> None:
        findings = (Finding(rule="Late"), Finding(rule="Full"))
        await watch.alerting.observe(Observation(findings=findings, judged=frozenset({"Late", "Full"})))
        await watch.tell()

    asyncio.run(main())
    watch.store.close()
    told = {name: [notice.rule for message in fake.told for notice in message.notices] for name, fake in fakes.items()}
    assert told == {"pages": ["Late"], "warns": ["Full"], "some": ["Late"], "all": ["Late", "Full"]}


def test_a_sink_that_forgets_is_told_again_all_that_goes_on(tmp_path: Path) -> None:
    fake = Fake()
    watch = Watch(tmp_path / "a.sqlite", SinkConfig(name="am", kind="f", sink=fake, refresh_ms=60_000))
    watch.fake = fake

    async def main() -> None:
        await watch.look("a")
        await watch.tell()
        await watch.look("a", "b", after_s=59.999)
        await watch.tell()
        await watch.look("a", "b", after_s=0.001)
        await watch.look("a", "b", after_s=60)
        await watch.tell()
        await watch.look(after_s=60)
        await watch.tell()

    asyncio.run(main())
    watch.store.close()
    assert watch.told == [
        [("firing", "a")],
        [("firing", "b")],
        [("repeated", "a"), ("repeated", "b")],
        [("resolved", "a"), ("resolved", "b")],
    ]


def test_sinks_are_told_side_by_side(tmp_path: Path) -> None:
    """One that hangs delays nobody else."""
    gone, fake = asyncio.Event(), Fake()

    class Hangs:
        async def send(self, message: AlertMessage, tools: SinkTools) -> None:
            await gone.wait()

    watch = Watch(
        tmp_path / "a.sqlite",
        SinkConfig(name="hangs", kind="f", sink=Hangs()),
        SinkConfig(name="ops", kind="f", sink=fake),
    )
    watch.fake = fake

    async def main() -> None:
        running = asyncio.get_running_loop().create_task(watch.alerting.run())
        await watch.look("a")
        async with asyncio.timeout(30):
            while not fake.told:
                await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
    watch.store.close()
    assert watch.told == [[("firing", "a")]]


def test_a_disk_that_is_full_does_not_keep_an_alert_from_being_told(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        monkeypatch.setattr(watch.store, "_connection", _Full())
        await watch.look("a")
        await watch.tell()

    asyncio.run(main())
    assert watch.told == [[("firing", "a")]]
    assert any("cannot be written" in note for note in watch.notes)


class _Full:
    def execute(self, *_args: object) -> None:
        import sqlite3

        raise sqlite3.OperationalError("database or disk is full")

    def close(self) -> None:
        return


# --- real sinks ------------------------------------------------------------------------------------------------


@pytest.fixture
def web() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


def configured(path: Path, sink: Mapping[str, Any], variables: Mapping[str, str] | None = None) -> AlertConfig:
    return parse_alert_config({"sink": {"it": dict(sink)}}, path / "alerts.toml", KINDS, variables or {})


def told_by(config: AlertConfig, **more: Any) -> str:
    (told,) = asyncio.run(send_test(config, "prod", lambda: T0, **more))
    return told.problem


def test_the_bundled_kinds_are_found() -> None:
    assert (list(KINDS), FAULTS) == (["webhook", "alertmanager", "exec", "bell"], ())


def test_a_webhook_is_told_in_json(tmp_path: Path, web: Receiver) -> None:
    assert told_by(configured(tmp_path, {"kind": "webhook", "url": f"{web.url}/x?token=T"})) == ""
    (posted,) = web.posted
    told = json.loads(posted.body)
    assert (posted.path, told["is_test"], told["notices"][0]["rule"]) == ("/x?token=T", True, "KconTest")
    assert told["title"] == "[WARN] KconTest on prod"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((200, {}, b""), ""),
        ((204, {}, b""), ""),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), "the server answered 302"),
        ((404, {}, b"no_team\nmore"), "the server answered 404: no_team"),
        ((500, {}, b"\x1b]0;title\x07"), "the server answered 500: ␛]0;title␇"),
    ],
)
def test_what_a_server_answers_is_told(
    tmp_path: Path, web: Receiver, answer: tuple[int, dict[str, str], bytes], problem: str
) -> None:
    web.answers = [answer]
    assert told_by(configured(tmp_path, {"kind": "webhook", "url": web.url})) == problem
    assert len(web.posted) == 1


def test_nobody_there_is_told_without_the_address(tmp_path: Path) -> None:
    problem = told_by(configured(tmp_path, {"kind": "webhook", "url": "http://127.0.0.1:1/hooks/SECRET"}))
    assert problem == "127.0.0.1 cannot be reached: no connection"


def test_a_server_that_hangs_costs_its_timeout(tmp_path: Path, web: Receiver) -> None:
    web.hold = threading.Event()
    problem = told_by(configured(tmp_path, {"kind": "webhook", "url": web.url, "timeout": "200ms"}))
    assert problem == "127.0.0.1 cannot be reached: no answer in time"


def test_alertmanager_is_told_by_its_api(tmp_path: Path, web: Receiver) -> None:
    config = configured(tmp_path, {"kind": "alertmanager", "url": web.url, "token_env": "T"}, {"T": "canary"})
    assert told_by(config) == ""
    (posted,) = web.posted
    assert (posted.path, posted.headers["authorization"]) == ("/api/v2/alerts", "Bearer canary")
    (alert,) = json.loads(posted.body)
    assert alert["labels"] == {"alertname": "KconTest", "severity": "warn", "cluster": "prod", "test": "true"}
    assert (alert["startsAt"], alert["endsAt"]) == ("2026-11-24T02:35:00.000Z", "2026-11-24T02:39:00.000Z")


def test_a_program_gets_the_message_and_no_secret_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KCON_SECURITY_PASSWORD", "canary")
    out = tmp_path / "out"
    config = configured(tmp_path, {"kind": "exec", "command": ["sh", "-c", f"cat > {out}; env >> {out}"]})
    assert told_by(config) == ""
    first, *rest = out.read_text().splitlines()
    assert json.loads(first)["cluster"] == "prod"
    assert "KCON_ALERT_TITLE=[WARN] KconTest on prod" in rest
    assert not [line for line in rest if "canary" in line]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["sh", "-c", "echo 'no\x1b way' >&2; exit 3"], "the program ended with 3: no␛ way"),
        (["/no/such/program"], "the program cannot be run: No such file or directory"),
        (["sh", "-c", "sleep 60 & sleep 60"], "the program was not done within 0.3 s"),
        (["sh", "-c", "yes | head -c 300000 >&2; exit 1"], "the program ended with 1: y"),
    ],
)
def test_a_program_that_fails_is_told(tmp_path: Path, command: list[str], problem: str) -> None:
    if "sleep" not in command[-1]:
        config = configured(tmp_path, {"kind": "exec", "command": command})
    else:
        config = configured(tmp_path, {"kind": "exec", "command": command, "timeout": "300ms"})
    assert told_by(config) == problem


def test_a_bell_rings_on_a_terminal_only(tmp_path: Path) -> None:
    config = configured(tmp_path, {"kind": "bell"})
    assert told_by(config) == "there is no terminal to ring"
    terminal = io.BytesIO()
    assert told_by(config, terminal=terminal) == ""
    assert terminal.getvalue() == b"\a[WARN] KconTest on prod\n"


def test_a_message_is_sent_again_after_a_server_came_back(tmp_path: Path, web: Receiver) -> None:
    config = configured(tmp_path, {"kind": "webhook", "url": web.url})
    watch = Watch(tmp_path / "a.sqlite", *config.sinks)

    async def main() -> None:
        web.answers = [(503, {"Retry-After": "7"}, b""), (200, {}, b"")]
        await watch.look("a")
        await watch.tell()
        assert watch.alerting.waiting[0].next_ms == T0 + 7_000
        watch.crash()
        watch.now_ms += 7_000
        await watch.tell()

    asyncio.run(main())
    watch.store.close()
    first, second = (json.loads(each.body) for each in web.posted)
    assert first["id"] == second["id"]
    assert replace(watch.alerting.engine.alerts[0], told_ms=None).rule == "Late"
