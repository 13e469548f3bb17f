"""Editing config.toml: what its owner wrote stays, byte for byte, and what cannot be edited safely is left alone."""

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.contexts.config_writer import add_context, remove_context
from kcon.errors import UsageError

OWNERS = """# My clusters.
view = "wide"   # I like it wide.

[context.dev]
bootstrap = [
  "localhost:9092",  # here
]

[context.prod]     # careful
bootstrap = "p:1"
[context.prod.security]
protocol = "SSL"
[[context.prod.serde]]
topic = "a"
value = "json"
[[context.prod.serde]]
topic = "b"
value = "json"

[other]
x = 1
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(OWNERS)
    return path


def test_added_context_is_appended_and_the_rest_stays(path: Path) -> None:
    add_context(path, "new", {"bootstrap": ["n:1"], "mode": "protect", "security": {"keyring": True}})
    text = path.read_text()
    assert text.startswith(OWNERS)
    assert tomllib.loads(text)["context"]["new"] == {
        "bootstrap": ["n:1"],
        "mode": "protect",
        "security": {"keyring": True},
    }


def test_first_context_makes_the_file_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "config.toml"
    add_context(path, "new", {"bootstrap": ["n:1"]})
    assert path.read_text() == '[context.new]\nbootstrap = ["n:1"]\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_removed_context_takes_its_tables_and_nothing_else(path: Path) -> None:
    remove_context(path, "prod")
    text = path.read_text()
    assert text == OWNERS[: OWNERS.index("[context.prod]")] + OWNERS[OWNERS.index("[other]") :]


def test_existing_context_wants_replace(path: Path) -> None:
    with pytest.raises(UsageError, match="already"):
        add_context(path, "dev", {"bootstrap": ["n:1"]})
    add_context(path, "dev", {"bootstrap": ["n:1"]}, replace=True)
    assert tomllib.loads(path.read_text())["context"]["dev"] == {"bootstrap": ["n:1"]}
    assert "# My clusters." in path.read_text()


def test_layout_that_cannot_be_cut_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    text = '[context]\ndev = { bootstrap = "x" }\n'
    path.write_text(text)
    with pytest.raises(UsageError, match="cannot edit safely"):
        remove_context(path, "dev")
    assert path.read_text() == text


def test_header_inside_a_string_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('note = """\n[context.dev]\n"""\n[context.dev]\nbootstrap = "x"\n')
    with pytest.raises(UsageError, match="cannot edit safely"):
        remove_context(path, "dev")


def test_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text("")
    path = tmp_path / "config.toml"
    path.symlink_to(target)
    add_context(path, "new", {"bootstrap": ["n:1"]})
    assert path.is_symlink()
    assert "new" in target.read_text()


def test_removing_what_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(UsageError):
        remove_context(path, "nope")


NAMES = st.text(alphabet="abcXYZ09._-ä", min_size=1, max_size=10)


@given(name=NAMES, color=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_and_comes_out_again(tmp_path_factory: pytest.TempPathFactory, name: str, color: str) -> None:
    path = tmp_path_factory.mktemp("config") / "config.toml"
    path.write_text('[other]\nx = 1\n\n[context.keep]\nbootstrap = "k"\n')
    before = path.read_text()
    add_context(path, name, {"bootstrap": ["n:1"], "color": color}, replace=True)
    assert tomllib.loads(path.read_text())["context"][name]["color"] == color
    remove_context(path, name)
    assert path.read_text() == before


def test_text_that_no_file_can_hold_is_refused(path: Path) -> None:
    with pytest.raises(UsageError):
        add_context(path, "new", {"bootstrap": ["n:1"], "color": "\ud800"})
    assert path.read_text() == OWNERS
