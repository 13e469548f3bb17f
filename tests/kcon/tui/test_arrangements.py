"""How tables were arranged is remembered, whatever the names are, and a bad file is left alone."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kcon.tui.arrangements import Arrangement, Arrangements, format_arrangements, load_arrangements

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def test_what_was_chosen_is_there_the_next_time(tmp_path: Path) -> None:
    kept = load_arrangements(tmp_path)
    kept.keep("topics", sort=("in", True), columns=("topic", "in"))
    assert kept.toggle_filter("topics", "^orders")
    assert kept.toggle_favourite("prod", "topics", 'a"b\n')
    again = load_arrangements(tmp_path)
    assert again.of("topics") == Arrangement(("in", True), ("topic", "in"), ("^orders",))
    assert again.is_favourite("prod", "topics", 'a"b\n')
    assert not again.toggle_filter("topics", "^orders")
    assert load_arrangements(tmp_path).filters_of("topics") == ()


@given(st.dictionaries(TEXT, st.lists(TEXT, unique=True, max_size=3), max_size=3))
def test_any_name_can_be_written_and_read(names: dict[str, list[str]]) -> None:
    import tomllib

    told = Arrangements(favourites={context: {"topics": topics} for context, topics in names.items()})
    read = tomllib.loads(format_arrangements(told)).get("favourites", {})
    assert {context: kinds.get("topics", []) for context, kinds in read.items()} == names


def test_a_bad_file_is_a_warning_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "views.toml").write_text("[topics")
    kept = load_arrangements(tmp_path)
    assert "views.toml is not used" in kept.warning
    kept.keep("topics", sort=("in", True), columns=())
    assert (tmp_path / "views.toml").read_text() == "[topics"
