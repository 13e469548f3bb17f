"""Whole commands over a cluster in memory: output, exit codes, and what is asked before a change."""

import io
import json
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.errors import UnreachableError


def at(partition: int, topic: str = "orders") -> TopicPartition:
    return TopicPartition(topic_name(topic), partition)


# --- topics ---------------------------------------------------------------------------------------------------


def test_topic_list(orders: Any, kcon: Any) -> None:
    assert kcon.lines("topic", "list") == [
        "name\tpartitions\treplicas\tunder_replicated\toffline\tinternal\ttopic_id",
        "clicks\t1\t1\t0\t0\tfalse\tid-6",
        "orders\t3\t1\t0\t0\tfalse\tid-6",
    ]
    assert kcon.lines("topic", "list", "-o", "name") == ["clicks", "orders"]


def test_names_from_standard_input(orders: Any, kcon: Any) -> None:
    ran = kcon("topic", "list", "-", "-o", "name", stdin=b"orders\n\n")
    assert ran.out == "orders\n"


def test_no_names_from_standard_input_mean_nothing_not_all(orders: Any, kcon: Any) -> None:
    """`... | kcon topic delete -` with an empty pipe must not touch everything."""
    assert kcon.lines("topic", "list", "-", "-o", "name") == []
    assert kcon.lines("group", "lag", "-", "--no-headers") == []
    assert kcon("topic", "delete", "-", "-y").code == 0
    assert orders.mutations == []


def test_an_empty_list_is_no_error(fake_cluster: Any, kcon: Any) -> None:
    ran = kcon("topic", "list", "-o", "name")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_topic_describe_for_people(orders: Any, kcon: Any) -> None:
    assert kcon.lines("topic", "describe", "orders", "-o", "table") == [
        "Topic orders",
        "  id            id-6",
        "  partitions    3",
        "  replicas      1",
        "  offsets       160 between start and end",
        "  retention.ms  1000",
        "PARTITION  LEADER  EPOCH  REPLICAS  ISR  OFFLINE  START  END  SPAN",
        "        0       1      0  1         1    —            0  100   100",
        "        1       1      0  1         1    —           40   90    50",
        "        2       1      0  1         1    —            0   10    10",
    ]


def test_describing_what_is_missing_is_5(orders: Any, kcon: Any) -> None:
    ran = kcon("topic", "describe", "nope", "orders", "-o", "json")
    told = json.loads(ran.out)
    assert ran.code == 5
    assert [item["name"] for item in told["items"]] == ["orders"]
    assert [(error["item"], error["exitCode"]) for error in told["errors"]] == [("topic nope", 5)]


def test_items_that_fail_for_different_causes_are_1(orders: Any, kcon: Any) -> None:
    orders.topics_by_name["clicks"].error = kafka_error(29)
    assert kcon("topic", "describe", "clicks").code == 4
    ran = kcon("topic", "describe", "clicks", "nope")
    assert ran.code == 1
    assert "TOPIC_AUTHORIZATION_FAILED" in ran.err
    assert "Topic nope does not exist." in ran.err


def test_topic_create_and_its_dry_run(fake_cluster: Any, kcon: Any) -> None:
    ran = kcon("topic", "create", "a", "-p", "2", "--dry-run")
    assert (ran.code, fake_cluster.mutations) == (0, [])
    assert "would be created" in ran.out
    assert kcon("topic", "create", "a", "-p", "2").code == 0
    assert kcon("topic", "create", "a").code == 1
    assert kcon("topic", "create", "a", "--if-not-exists").code == 0


def test_topic_delete_wants_a_word(orders: Any, kcon: Any) -> None:
    ran = kcon("topic", "delete", "orders")
    assert ran.code == 6
    assert "orders\t3\t160\tto be deleted" in ran.out
    assert "--execute" in ran.err
    assert orders.mutations == []
    assert kcon("topic", "delete", "orders", "--dry-run").code == 0
    assert orders.mutations == []
    ran = kcon("topic", "delete", "orders", "-y")
    assert ran.code == 0
    assert "orders\t3\t160\tdeleted" in ran.out
    assert "orders" not in orders.topics_by_name


def test_a_pattern_wants_execute_even_on_a_terminal(orders: Any, kcon: Any) -> None:
    kcon.terminal = True
    ran = kcon("topic", "delete", "*", stdin=b"y\n")
    assert ran.code == 6
    assert "pattern" in ran.err
    assert "clicks" in ran.out
    assert orders.mutations == []


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"yes\n", 0), (b"n\n", 6), (b"\n", 6), (b"", 6)])
def test_a_terminal_is_asked(orders: Any, kcon: Any, answer: bytes, code: int) -> None:
    kcon.terminal = True
    ran = kcon("topic", "delete", "orders", stdin=answer)
    assert ran.code == code
    assert "Delete topic orders with all records? This cannot be undone. [y/N]" in ran.err
    assert bool(orders.mutations) == (code == 0)


def test_deleting_what_is_missing(orders: Any, kcon: Any) -> None:
    assert kcon("topic", "delete", "nope", "-y").code == 5
    assert kcon("topic", "delete", "nope", "-y", "--if-exists").code == 0
    assert kcon("topic", "delete", "nope", "clicks", "-y").code == 5
    assert "clicks" not in orders.topics_by_name


# --- contexts with other modes --------------------------------------------------------------------------------

MUTATIONS = [
    ("topic", "create", "x"),
    ("topic", "delete", "orders", "-y"),
    ("group", "reset", "billing", "--to", "start", "-y"),
    ("group", "undo", "billing", "-y"),
    ("group", "delete", "billing", "-y"),
    ("produce", "orders", "v"),
    ("load", "missing.csv", "-t", "orders"),
    ("consume", "orders", "-g", "g"),
]


@pytest.mark.parametrize("argv", MUTATIONS, ids=lambda argv: " ".join(argv[:2]))
def test_a_read_only_context_refuses_every_change_before_it_connects(
    monkeypatch: pytest.MonkeyPatch, kcon: Any, argv: tuple[str, ...]
) -> None:
    async def connect(_settings: object) -> None:
        raise AssertionError("it connected")

    monkeypatch.setattr("kcon.services.session.Admin.connect", connect)
    kcon.variables["KCON_READ_ONLY"] = "1"
    ran = kcon(*argv)
    assert ran.code == 6
    assert "read-only" in ran.err


def test_a_dry_run_is_allowed_in_a_read_only_context(orders: Any, kcon: Any) -> None:
    kcon.variables["KCON_READ_ONLY"] = "1"
    assert kcon("group", "reset", "billing", "--to", "start", "--dry-run").code == 0
    assert orders.mutations == []


def test_a_protected_context_wants_the_name(orders: Any, kcon: Any) -> None:
    kcon.variables["KCON_MODE"] = "protect"
    ran = kcon("topic", "delete", "orders", "-y")
    assert (ran.code, orders.mutations) == (6, [])
    assert "--confirm orders" in ran.err
    assert kcon("topic", "delete", "orders", "--confirm", "clicks").code == 6
    assert kcon("topic", "create", "new").code == 6
    assert kcon("topic", "create", "new", "--confirm", "new").code == 0
    assert kcon("topic", "delete", "orders", "--confirm", "orders").code == 0


@pytest.mark.parametrize(("typed", "code"), [(b"orders\n", 0), (b"y\n", 6)])
def test_a_protected_context_asks_for_the_name(orders: Any, kcon: Any, typed: bytes, code: int) -> None:
    kcon.variables["KCON_MODE"] = "protect"
    kcon.terminal = True
    ran = kcon("topic", "delete", "orders", "-y", stdin=typed)
    assert ran.code == code
    assert "Type orders to confirm:" in ran.err


# --- groups ---------------------------------------------------------------------------------------------------


def test_group_list_and_describe(orders: Any, kcon: Any) -> None:
    assert kcon.lines("group", "list")[1] == "billing\tEmpty\tclassic\tconsumer\t1"
    told = json.loads(kcon("group", "describe", "billing", "-o", "json").out)
    assert told["items"][0]["state"] == "Empty"
    assert kcon("group", "describe", "nope").code == 5
    assert kcon("group", "lag", "nope").code == 5


def test_group_lag(orders: Any, kcon: Any) -> None:
    assert kcon.lines("group", "lag", "billing", "--columns", "topic,partition,committed,end,lag,lost") == [
        "topic\tpartition\tcommitted\tend\tlag\tlost",
        "orders\t0\t60\t100\t40\t0",
        "orders\t1\t20\t90\t50\t20",
    ]


def test_an_unknown_lag_is_a_dash_and_null_never_zero(orders: Any, kcon: Any) -> None:
    orders.unreadable[at(0)] = kafka_error(5)
    table = kcon("group", "lag", "billing", "-o", "table", "--columns", "partition,lag,lost")
    assert table.out.splitlines()[1].split() == ["0", "—", "—"]
    told = json.loads(kcon("group", "lag", "billing", "-o", "json").out)
    assert told["items"][0]["lag"] is None
    assert told["errors"][0]["item"] == "billing orders/0"


RESET_PLAN = [
    "Reset of group billing",
    "  context   (none)",
    "  cluster   cluster-1",
    "  state     Empty, 0 members",
    "  to        current-1000",
    "  times in  UTC",
    "TOPIC   PARTITION  CURRENT  NEW  DELTA  LAG  TIME  NOTE",
    "orders          0       60    0    -60  100  —     clamped to start",
    "orders          1       20   40    +20   50  —     clamped to start",
]


def test_reset_dry_run_shows_the_plan_and_changes_nothing(orders: Any, kcon: Any) -> None:
    ran = kcon("group", "reset", "billing", "--to", "current-1000", "--dry-run", "-o", "table")
    assert ran.code == 0
    assert ran.out.splitlines() == RESET_PLAN
    assert "2 targets before the first record there is: moved to the start." in ran.err
    assert orders.mutations == []


def test_an_unconfirmed_reset_shows_the_plan_and_is_6(orders: Any, kcon: Any) -> None:
    ran = kcon("group", "reset", "billing", "--to", "current-1000", "-o", "table")
    assert ran.code == 6
    assert ran.out.splitlines() == RESET_PLAN
    assert orders.mutations == []


def test_reset_and_undo(orders: Any, kcon: Any) -> None:
    ran = kcon("group", "reset", "billing", "--to", "end", "-y", "-o", "json")
    told = json.loads(ran.out)
    assert ran.code == 0
    assert [(item["partition"], item["current"], item["new"], item["result"]) for item in told["items"]] == [
        (0, 60, 100, "committed"),
        (1, 20, 90, "committed"),
    ]
    assert "To take it back: kcon group undo billing 20261124-023500-" in ran.err
    assert len(kcon.lines("group", "undo", "--list")) == 2
    ran = kcon("group", "undo", "billing")
    assert ran.code == 6
    assert kcon("group", "undo", "billing", "--execute").code == 0
    assert [commit.offset for commit in orders.groups_by_id["billing"].commits.values()] == [60, 20]


def test_a_reset_on_a_terminal_asks_after_the_plan(orders: Any, kcon: Any) -> None:
    kcon.terminal = True
    ran = kcon("group", "reset", "billing", "--to", "end", stdin=b"y\n")
    assert ran.code == 0
    assert "Move 2 commits of group billing? [y/N]" in ran.err
    assert ran.out.count("Reset of group billing") == 1


def test_an_active_group_is_refused_with_its_plan(orders: Any, kcon: Any) -> None:
    orders.groups_by_id["billing"].state = "Stable"
    ran = kcon("group", "reset", "billing", "--to", "end", "-y")
    assert ran.code == 6
    assert "orders\t0\t60\t100" in ran.out
    assert "--wait" in ran.err
    assert kcon("group", "reset", "billing", "--to", "end", "--dry-run").code == 0
    assert orders.mutations == []


def test_a_partition_that_is_refused_makes_the_reset_fail(orders: Any, kcon: Any) -> None:
    """Apache's tool ends with 0 here."""
    orders.refuse[at(1)] = kafka_error(29)
    ran = kcon("group", "reset", "billing", "--to", "end", "-y", "-o", "json")
    told = json.loads(ran.out)
    assert ran.code == 4
    assert [item["result"] for item in told["items"]] == ["committed", "TOPIC_AUTHORIZATION_FAILED"]
    assert told["errors"][0]["item"] == "orders/1"


def test_export_and_from_file_round_trip(orders: Any, kcon: Any, tmp_path: Any) -> None:
    exported = kcon("group", "reset", "billing", "--to-current", "--export")
    assert (exported.code, exported.out) == (0, "orders,0,60\norders,1,40\n")
    path = tmp_path / "offsets.csv"
    path.write_text("orders,0,7\n")
    assert kcon("group", "reset", "billing", "--from-file", str(path), "-y").code == 0
    assert orders.groups_by_id["billing"].commits[at(0)].offset == 7
    assert kcon("group", "reset", "billing", "--from-file", "-", "-y", stdin=b"orders,0,8\n").code == 0
    assert orders.groups_by_id["billing"].commits[at(0)].offset == 8
    assert kcon("group", "reset", "billing", "--from-file", str(tmp_path / "nope"), "-y").code == 2


@pytest.mark.parametrize("target", ["+5", "-5", "earliest", "1h", "start-1", ""])
def test_an_unclear_target_is_a_usage_error_before_anything_is_asked(kcon: Any, target: str) -> None:
    ran = kcon("group", "reset", "billing", "--to", target)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 2


def test_group_delete(orders: Any, kcon: Any) -> None:
    assert kcon("group", "delete", "billing").code == 6
    orders.groups_by_id["billing"].state = "Stable"
    assert kcon("group", "delete", "billing", "-y").code == 6
    orders.groups_by_id["billing"].state = "Empty"
    assert kcon("group", "delete", "billing", "nope", "-y").code == 5
    assert "billing" not in orders.groups_by_id


def test_watch_repeats_until_something_ends_it(monkeypatch: pytest.MonkeyPatch, orders: Any, kcon: Any) -> None:
    listed = orders.topics
    calls: list[int] = []

    async def topics(names: Any = None) -> Any:
        calls.append(1)
        if len(calls) == 4:
            raise UnreachableError("gone")
        return await listed(names)

    monkeypatch.setattr(orders, "topics", topics)
    ran = kcon("topic", "list", "-o", "name", "--watch", "--interval", "1ms")
    assert (ran.code, ran.out) == (3, "clicks\norders\n" * 3)
    calls.clear()
    kcon.terminal = True
    assert kcon("topic", "list", "--watch", "--interval", "1ms").out.count("\x1b[H\x1b[2J") == 4


# --- local commands -------------------------------------------------------------------------------------------


def test_errcode(kcon: Any) -> None:
    assert kcon.lines("errcode", "3", "rebalance_in_progress", "--columns", "code,name", "--no-headers") == [
        "3\tUNKNOWN_TOPIC_OR_PARTITION",
        "27\tREBALANCE_IN_PROGRESS",
    ]
    assert kcon("errcode", "NOPE").code == 5
    assert "Did you mean NOT_LEADER_OR_FOLLOWER?" in kcon("errcode", "not_leader").err
    assert "Did you mean UNKNOWN_TOPIC_OR_PARTITION?" in kcon("errcode", "UNKNOWN_TOPC_OR_PARTITION").err
    assert "lists all of them" in kcon("errcode", "NOT").err  # So short a part is in too many.
    assert len(kcon.lines("errcode")) > 100


def test_context_add_use_list_show(kcon: Any) -> None:
    del kcon.variables["KCON_BOOTSTRAP"]
    assert kcon("topic", "list").code == 2
    assert kcon("context", "add", "prod", "-b", "b1,b2:9093", "--mode", "protect", "--tz", "Europe/Paris").code == 0
    assert kcon("context", "add", "dev", "-b", "localhost").code == 0
    assert kcon("context", "add", "dev", "-b", "localhost").code == 2
    assert kcon("context", "use", "prod").code == 0
    assert kcon("context", "use", "nope").code == 2
    assert kcon.lines("context", "list", "--no-headers") == [
        "false\tdev\tlocalhost:9092\tread-write\t",
        "true\tprod\tb1:9092,b2:9093\tprotect\t",
    ]
    told = json.loads(kcon("context", "show", "--sources", "-o", "json").out)
    settings = {item["setting"]: item for item in told["items"]}
    assert settings["mode"]["value"] == "protect"
    assert "config.toml" in settings["mode"]["source"]
    assert settings["timeout"]["source"] == "default"
    assert kcon("context", "show", "dev").code == 0


def test_a_secret_on_the_command_line_is_refused(kcon: Any) -> None:
    ran = kcon("topic", "list", "-X", "sasl.password=hunter2")
    assert ran.code == 2
    assert "hunter2" not in ran.err


# --- the border -----------------------------------------------------------------------------------------------


def test_an_error_is_one_json_object_where_json_was_asked_for(orders: Any, kcon: Any) -> None:
    for argv in (("group", "reset", "nope", "--to", "end", "-o", "json"), ("topic", "lst", "--output=json")):
        ran = kcon(*argv)
        told = json.loads(ran.err)
        assert told["kind"] == "Error"
        assert told["errors"][0]["exitCode"] == ran.code
        assert ran.out == ""


def test_diagnostics_are_safe_and_one_line_each(kcon: Any) -> None:
    ran = kcon("topic", "\x1b]0;owned\x07\x9b")
    assert ran.code == 2
    assert not set(ran.err) & set("\x1b\x07\x9b")
    assert len(ran.err.splitlines()) == 2


def test_an_unexpected_exception_is_a_sentence(monkeypatch: pytest.MonkeyPatch, orders: Any, kcon: Any) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("\x1bboom")

    monkeypatch.setattr(orders, "topics", broken)
    ran = kcon("topic", "list")
    assert ran.code == 1
    assert "Something is broken inside kcon: ZeroDivisionError: ␛boom" in ran.err
    assert "Traceback" not in ran.err
    kcon.variables["KCON_TRACEBACK"] = "1"
    assert "Traceback" in kcon("topic", "list").err


def test_a_broken_pipe_is_0(monkeypatch: pytest.MonkeyPatch, orders: Any, kcon: Any) -> None:
    class Closed(io.BytesIO):
        def write(self, data: Any) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(io, "BytesIO", Closed)
    assert kcon("topic", "list").code == 0


def test_bare_kcon_without_a_terminal_is_help_and_2(kcon: Any) -> None:
    ran = kcon()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: kcon")
    assert kcon("ui").code == 2
    assert kcon("demo").code == 2


def test_consume_json_needs_an_end(kcon: Any) -> None:
    assert kcon("consume", "t", "--output", "json").code == 2


def test_a_bad_offset_is_2_before_anything_is_asked(kcon: Any) -> None:
    assert kcon("consume", "t", "-o", "yesterday").code == 2
    assert kcon("consume", "t", "-o", "5..5").code == 2


def test_a_setting_that_topics_do_not_have_gets_the_nearest_name(orders: Any, kcon: Any) -> None:
    ran = kcon("topic", "alter", "orders", "--set", "retnetion.ms=5")
    assert "There may be no setting retnetion.ms. Did you mean retention.ms?" in ran.err
    assert "no setting" not in kcon("topic", "alter", "orders", "--set", "retention.ms=5").err


def test_an_api_that_is_misspelt_gets_the_nearest_name(orders: Any, kcon: Any) -> None:
    ran = kcon("raw", "Metadta", "--data", "{}")
    assert (ran.code, "Did you mean Metadata?" in ran.err) == (2, True)
    assert "`kcon cluster versions` names the APIs" in kcon("raw", "zzz", "--data", "{}").err


def test_a_partition_that_cannot_be_read_is_told_in_one_sentence(orders: Any, kcon: Any) -> None:
    orders.unreadable[at(0)] = kafka_error(7, "b1:9092 did not answer within 1.2 s.")
    for quiet in ((), ("-q",)):
        ran = kcon("search", "orders", "--where", "true", "--estimate", *quiet)
        assert ran.code == 1
        assert "orders/0 is not read: REQUEST_TIMED_OUT: b1:9092 did not answer within 1.2 s.\n" in ran.err
