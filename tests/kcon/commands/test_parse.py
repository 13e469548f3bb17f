"""parse(): a command line becomes a request, or a usage error that helps."""

import json
from collections.abc import Iterator
from typing import Any

import click
import pytest

from kcon.commands.consume import Consume
from kcon.commands.context import ContextList
from kcon.commands.group import GroupLag, GroupReset, GroupUndo, TopicScope
from kcon.commands.parse import HelpRequested, parse
from kcon.commands.produce import Produce
from kcon.commands.request import Confirmation, Connection, OutputFormat
from kcon.commands.table import COMMANDS, VERB_SPELLINGS
from kcon.commands.topic import TopicCreate, TopicDelete, TopicList
from kcon.commands.tree import root_command
from kcon.commands.ui import Ui
from kcon.errors import UsageError


def parsed(line: str) -> Any:
    return parse(line.split())


@pytest.mark.parametrize("line", ["topic list", "topics list", "topic ls", "topics ls"])
def test_plurals_and_short_forms_are_the_same_command(line: str) -> None:
    assert parsed(line) == TopicList()


def test_other_spellings() -> None:
    assert parsed("ctx ls") == ContextList()
    assert parsed("topic rm a") == TopicDelete(names=("a",))
    assert parsed("group seek g --to end") == parsed("group reset g --to end")


@pytest.mark.parametrize(
    "line", ["-b h:1 --timeout 5s topic list", "topic -b h:1 --timeout 5s list", "topic list -b h:1 --timeout 5s"]
)
def test_connection_options_stand_anywhere(line: str) -> None:
    assert parsed(line).shared.connection == Connection(bootstrap="h:1", timeout_ms=5_000)


def test_the_last_connection_option_wins() -> None:
    assert parsed("-b h:1 topic list -b h:2").shared.connection.bootstrap == "h:2"


def test_output_options() -> None:
    output = parsed("topic list -o json --columns name,Partitions --sort -partitions,name --limit 3").shared.output
    assert output.format is OutputFormat.JSON
    assert output.columns == ("name", "partitions")
    assert output.sort == (("partitions", True), ("name", False))
    assert output.limit == 3
    assert parsed("topic list --no-headers").shared.output.headers is False


def test_no_words_are_the_bare_console() -> None:
    assert parsed("") == Ui(bare=True)
    assert parsed("-b h:1").shared.connection.bootstrap == "h:1"
    assert parsed("ui topic/orders") == Ui(address="topic/orders")


def test_topic_create() -> None:
    request = parsed("topic create a b -p 3 -r 2 -c retention.ms=5 -c x=y=z --dry-run")
    assert request == TopicCreate(
        names=("a", "b"),
        partition_count=3,
        replication_factor=2,
        configs=(("retention.ms", "5"), ("x", "y=z")),
        confirmation=Confirmation(dry_run=True),
    )


@pytest.mark.parametrize(
    ("options", "target"),
    [
        ("--to @-1h", "@-1h"),
        ("--to-earliest", "start"),
        ("--to-latest", "end"),
        ("--to-current", "current"),
        ("--to-offset 42", "42"),
        ("--to-datetime 2026-01-31T14:05:00.000", "@2026-01-31T14:05:00.000"),
        ("--by-duration PT1H30M", "@-5400000ms"),
        ("--by-duration 2h", "@-2h"),
        ("--shift-by -10", "current-10"),
        ("--shift-by 10", "current+10"),
        ("--shift-by +10", "current+10"),
        ("--to -10", "-10"),  # It reaches the mini-language, which explains why that is unclear.
    ],
)
def test_reset_targets_and_their_apache_names(options: str, target: str) -> None:
    assert parsed(f"group reset g {options}").target == target


def test_reset_scope_and_group_option() -> None:
    request = parsed("group reset --group g --to end -t orders:0,2-3 -t clicks --execute --wait 5m")
    assert request == GroupReset(
        group="g",
        target="end",
        topics=(TopicScope(topic="orders", partitions=(0, 2, 3)), TopicScope(topic="clicks")),
        wait_ms=300_000,
        confirmation=Confirmation(yes=True),
    )


def test_serve_broker_hands_its_options_over() -> None:
    line = "serve-broker --port 0 --flush interval=50 --seed-topic a:2 --no-auto-create --data-dir d --control [::1]:0"
    request = parsed(line)
    assert request.data_dir == "d"
    assert " ".join(request.arguments) == (
        "--host 127.0.0.1 --port 0 --flush interval=50 --control [::1]:0 --no-auto-create --seed-topic a:2"
    )


def test_group_undo_and_lag() -> None:
    assert parsed("group undo --list") == GroupUndo(group=None, list_records=True)
    assert parsed("group undo g 20260131-140500-3f9a").record_id == "20260131-140500-3f9a"
    assert parsed("group lag --all") == parsed("group lag --all-groups") == GroupLag()


def test_consume_follows_the_hands_of_kcat() -> None:
    request = parsed("consume t -o -10 -e -c 5 -p 0,1 -K \\t")
    assert (request.offset, request.stop_at_end, request.count, request.partitions) == ("-10", True, 5, (0, 1))
    assert request.format.key_separator == "\t"
    assert parsed("consume -t a -t b").topics == ("a", "b")
    assert parsed("consume t -J").format.kind == parsed("consume t --output ndjson").format.kind == "ndjson"
    assert parsed("consume t -f %s").format.kind == "verbs"


def test_tail_is_consume_from_the_end() -> None:
    assert parsed("tail t") == Consume(topics=("t",), offset="end")
    assert parsed("tail t -n 5").last_total == 5


def test_produce() -> None:
    request = parsed("produce t v1 v2 -k key -H a=1 -H b= -p 2 -z zstd")
    assert request == Produce(
        topic="t",
        values=("v1", "v2"),
        key="key",
        headers=(("a", "1"), ("b", "")),
        partition=2,
        compression="zstd",
    )


@pytest.mark.parametrize("word", ["json", "JSON", "table", "ndjson", "value"])
def test_a_format_for_an_offset_is_explained(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(["consume", "t", "-o", word])
    assert "-o is the offset" in caught.value.message
    assert "-J" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tipic list", "Did you mean topic?"),
        ("topic lst", "Did you mean list?"),
        ("topic", "list, describe, create, delete"),
        ("topic list --bogus", "--bogus"),
        ("topic list -o xml", "xml"),
        ("topic list --limit -1", "-1"),
        ("topic list --timeout soon", "soon"),
        ("topic list -X nonsense", "nonsense"),
        ("topic describe", "NAME"),
        ("topic create a -p 0", "0"),
        ("topic delete a --dry-run -y", "contradict"),
        ("group reset g", "where to"),
        ("group reset --to end", "Name the group"),
        ("group reset g -g h --to end", "twice"),
        ("group reset g --to end --to-latest", "once"),
        ("group reset g --to end --to-group h", "once"),
        ("group reset g --shift-by x", "x"),
        ("group reset g --by-duration PT", "PT"),
        ("group reset g --to end --all-topics -t a", "contradict"),
        ("group reset g --to end -t a:x", "a:x"),
        ("group reset g --to end --export -y", "contradict"),
        ("group undo", "--list"),
        ("group lag g --all", "contradict"),
        ("consume", "Name a topic"),
        ("consume t -J -f %s", "exclude"),
        ("consume t -J -K :", "JSON"),
        ("consume t -g g -p 0", "group assigns"),
        ("consume t -p 3-1", "3-1"),
        ("produce t -k a -K :", "exclude"),
        ("produce t v -l file", "not both"),
        ("load f.csv", "--topic"),
        ("load f.csv -t t -d ab", "one character"),
        ("context add x", "-b"),
        ("demo --seconds 5", "--headless"),
        ("serve-broker --flush never", "always, interval=MS or os"),
        ("serve-broker --flush interval=0", "interval=0"),
        ("serve-broker --seed-topic orders", "NAME:N"),
        ("serve-broker --topic-default x", "NAME=VALUE"),
        ("serve-broker --advertise host", "HOST:PORT"),
        ("serve-broker --control host", "HOST:PORT"),
        ("serve-broker --port 70000", "70000"),
    ],
)
def test_usage_errors_name_the_slip(line: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(line)
    assert message in caught.value.message
    assert caught.value.hint


def every_command(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name="kcon")
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from every_command(found, (*path, name))


COMMAND_PATHS = [path for path, _command in every_command(root_command())]


@pytest.mark.parametrize("path", COMMAND_PATHS, ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    """A lazily loaded command that cannot be imported would fail only when somebody asks for it."""
    for letter in ("-h", "--help"):
        with pytest.raises(HelpRequested) as caught:
            parse([*path, letter])
        assert caught.value.text.startswith("Usage: kcon")
        assert caught.value.text.endswith("\n")
    assert all(len(line) <= 100 for line in caught.value.text.splitlines())


@pytest.mark.parametrize("path", COMMAND_PATHS, ids=" ".join)
def test_every_command_describes_itself_as_json(path: tuple[str, ...]) -> None:
    with pytest.raises(HelpRequested) as caught:
        parse([*path, "--help-json"])
    described = json.loads(caught.value.text)
    assert described["kind"] == "Command"
    assert described["command"] == " ".join(("kcon", *path))
    assert all(option["help"] for option in described["options"])


def test_options_mean_the_same_everywhere() -> None:
    """-b, -C, -X, --timeout, --tz and -y are never taken for something else."""
    wanted = {"-b": "bootstrap", "-C": "context_name", "-X": "properties", "-y": "yes", "-t": None, "-g": None}
    for path, command in every_command(root_command()):
        for option in command.params:
            for name in option.opts:
                if wanted.get(name) is not None:
                    assert option.name == wanted[name], (path, name)


def test_the_static_table_matches_the_commands() -> None:
    """`kcon --help` prints the table without loading a command; it must not drift."""
    for name, _section, summary, _module, spellings in COMMANDS:
        for word in (name, *spellings):
            with pytest.raises(HelpRequested) as caught:
                parse([word, "--help"])
            assert summary in " ".join(caught.value.text.split())


def test_verb_spellings_lead_somewhere() -> None:
    verbs = {path[-1] for path in COMMAND_PATHS if len(path) == 2}
    assert set(VERB_SPELLINGS.values()) <= verbs


@pytest.mark.parametrize(
    ("words", "offset"),
    [
        ((), None),
        (("-o", "beginning"), "start"),
        (("-o", "latest"), "end"),
        (("-o", "s@1769868300000"), "@1769868300000"),
        (("-o", "e@1769868300000"), "..@1769868300000"),
        (("-o", "e@1769868400000", "-o", "s@1769868300000"), "@1769868300000..@1769868400000"),
        (("-o", "-10"), "-10"),
    ],
)
def test_consume_takes_kcats_words_for_offsets(words: tuple[str, ...], offset: str | None) -> None:
    request = parse(["consume", "t", *words])
    assert isinstance(request, Consume)
    assert request.offset == offset


@pytest.mark.parametrize("words", [("1", "2"), ("s@1", "3"), ("s@1769868300000", "s@1769868300001")])
def test_several_offsets_that_are_no_range_are_a_usage_error(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        parse(["consume", "t", *(part for word in words for part in ("-o", word))])
