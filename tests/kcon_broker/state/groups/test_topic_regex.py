"""Are regular expressions of strangers matched in linear time, or refused with a reason?"""

import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from kcon_broker.state.groups import topic_regex
from kcon_broker.state.groups.topic_regex import TopicRegexError, compile_topic_regex, matching_topics
from kcon_broker.wire.error_codes import ErrorCode


class _Options:
    log_errors = True
    max_mem = 0


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an engine with google-re2's interface in its place, so that groups are tested without the extra."""
    module: Any = ModuleType("an_engine")
    module.Options = _Options
    module.error = re.error
    module.compile = lambda pattern, _options: re.compile(pattern)
    monkeypatch.setitem(sys.modules, "an_engine", module)
    monkeypatch.setattr(topic_regex, "ENGINE_MODULE", "an_engine")


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_regex, "ENGINE_MODULE", "no_such_engine_anywhere")


@pytest.fixture
def group_bench(bench_with: Callable[..., Any]) -> Any:
    bench = bench_with(consumer_assignment_interval_ms=0, consumer_regex_refresh_interval_ms=10_000)
    bench.ids = {name: bench.create_topic(name, 1) for name in ("flights", "flights-late", "weather")}
    return bench


def told(bench: Any, answer: Any) -> set[str]:
    assert answer.error_code is ErrorCode.NONE, answer.error_message
    assert answer.assignment is not None
    return {bench.topics.by_id[topic_id].name for topic_id in answer.assignment}


def subscribe(bench: Any, member_id: str, regex: str) -> Any:
    return bench.beat(member_id, 0, rebalance_ms=30_000, regex=regex, owned={})


def matched(bench: Any, member_id: str) -> Any:
    """Have the expressions matched, which follows the answer, and heartbeat again."""
    bench.pass_time(0)
    return bench.beat(member_id, bench.coordinator.consumer.by_id["g"].members[member_id].progress.epoch)


# The engine


def test_the_whole_name_must_match() -> None:
    pytest.importorskip("re2", reason="needs the extra 'regex' (google-re2)")
    names = ["flights", "flights-late", "weather"]
    assert matching_topics(compile_topic_regex("flights"), names) == {"flights"}
    assert matching_topics(compile_topic_regex("flights.*|w[a-z]+r"), names) == set(names)


@pytest.mark.parametrize("regex", ["(", "a{1001}", "(a)\\1", "(?<=a)b"])
def test_what_the_engine_cannot_do_in_linear_time_is_refused(regex: str) -> None:
    pytest.importorskip("re2", reason="needs the extra 'regex' (google-re2)")
    with pytest.raises(TopicRegexError):
        compile_topic_regex(regex)


def test_a_hostile_expression_is_harmless() -> None:
    """Python's own engine would need longer than the universe has."""
    pytest.importorskip("re2", reason="needs the extra 'regex' (google-re2)")
    assert matching_topics(compile_topic_regex("(a+)+b"), ["a" * 200]) == frozenset()


def test_a_broker_without_the_engine_says_so(no_engine: None) -> None:
    with pytest.raises(TopicRegexError, match="extra 'regex'"):
        compile_topic_regex("flights.*")


def test_the_engine_is_loaded_only_when_asked_for() -> None:
    """One-shot starts must not pay for it."""
    assert "re2" not in vars(topic_regex)


# Groups


def test_a_member_gets_the_matching_topics(group_bench: Any, engine: None) -> None:
    assert told(group_bench, subscribe(group_bench, "a", "flights.*")) == set()
    assert told(group_bench, matched(group_bench, "a")) == {"flights", "flights-late"}
    group_bench.coordinator = group_bench.restart()
    assert group_bench.coordinator.consumer.by_id["g"].subscribed_topics() == {"flights", "flights-late"}


def test_names_and_expression_add_up(group_bench: Any, engine: None) -> None:
    assert told(group_bench, group_bench.enter("a", "weather", regex="flights")) == {"weather"}
    assert told(group_bench, matched(group_bench, "a")) == {"flights", "weather"}


def test_a_bad_expression_is_refused_and_nothing_changes(group_bench: Any, engine: None) -> None:
    answer = subscribe(group_bench, "a", "(")
    assert answer.error_code is ErrorCode.INVALID_REGULAR_EXPRESSION
    assert "`(` is not a valid regular expression" in answer.error_message
    assert group_bench.journal.records == []


def test_without_the_engine_the_subscription_is_refused(group_bench: Any, no_engine: None) -> None:
    answer = subscribe(group_bench, "a", "flights.*")
    assert answer.error_code is ErrorCode.INVALID_REGULAR_EXPRESSION
    assert "extra 'regex'" in answer.error_message
    assert subscribe(group_bench, "a", "").error_code is ErrorCode.NONE


def test_new_topics_are_found_after_the_refresh_interval(group_bench: Any, engine: None) -> None:
    subscribe(group_bench, "a", "flights.*")
    matched(group_bench, "a")
    group_bench.create_topic("flights-new", 1)
    group_bench.pass_time(9_999)
    assert group_bench.beat("a", 2).assignment is None
    assert matched(group_bench, "a").assignment is None
    group_bench.pass_time(1)
    assert group_bench.beat("a", 2).assignment is None
    assert told(group_bench, matched(group_bench, "a")) == {"flights", "flights-late", "flights-new"}


def test_a_deleted_topic_is_taken_back_at_once(group_bench: Any, engine: None) -> None:
    subscribe(group_bench, "a", "flights.*")
    matched(group_bench, "a")
    group_bench.delete_topic("flights")
    assert told(group_bench, group_bench.beat("a", 2)) == {"flights-late"}


def test_an_expression_lives_as_long_as_its_last_member(group_bench: Any, engine: None) -> None:
    for member_id in "ab":
        subscribe(group_bench, member_id, "flights.*")
    matched(group_bench, "a")
    group = group_bench.coordinator.consumer.by_id["g"]
    group_bench.beat("a", group.members["a"].progress.epoch, regex="")
    assert set(group.regexes) == {"flights.*"}
    group_bench.beat("b", -1)
    assert group.regexes == {}
    assert group_bench.restart().consumer.by_id["g"].regexes == {}


def test_a_changed_expression_takes_the_old_topics_back_at_once_and_brings_the_new_ones_later(
    group_bench: Any, engine: None
) -> None:
    subscribe(group_bench, "a", "flights.*")
    matched(group_bench, "a")
    answer = group_bench.beat("a", 2, regex="weather", owned={})
    assert told(group_bench, answer) == set()
    assert told(group_bench, matched(group_bench, "a")) == {"weather"}
    assert set(group_bench.coordinator.consumer.by_id["g"].regexes) == {"weather"}


def test_what_another_broker_matched_stays_without_the_engine(
    group_bench: Any, engine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log may come from a broker that had the engine."""
    subscribe(group_bench, "a", "flights.*")
    matched(group_bench, "a")
    monkeypatch.setattr(topic_regex, "ENGINE_MODULE", "no_such_engine_anywhere")
    group_bench.coordinator = group_bench.restart()
    assert group_bench.beat("a", 2).error_code is ErrorCode.NONE
    assert set(group_bench.coordinator.consumer.by_id["g"].regexes) == {"flights.*"}
