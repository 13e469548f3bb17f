"""Keys can be changed by a file, and a bad file changes nothing."""

from pathlib import Path

import pytest

from kcon.tui.actions import ACTIONS, EVERYWHERE
from kcon.tui.keymap import load_keymap
from kcon.tui.screens.acls import AclsScreen
from kcon.tui.screens.base import KconScreen
from kcon.tui.screens.broker import BrokerScreen
from kcon.tui.screens.brokers import BrokersScreen
from kcon.tui.screens.change import ChangeScreen
from kcon.tui.screens.columns import ColumnsScreen
from kcon.tui.screens.group import GroupScreen
from kcon.tui.screens.groups import GroupsScreen
from kcon.tui.screens.help import HelpScreen
from kcon.tui.screens.log import LogScreen
from kcon.tui.screens.output import OutputScreen
from kcon.tui.screens.overview import OverviewScreen
from kcon.tui.screens.palette import PaletteScreen
from kcon.tui.screens.produce import ProduceScreen
from kcon.tui.screens.quorum import QuorumScreen
from kcon.tui.screens.quotas import QuotasScreen
from kcon.tui.screens.reassignments import ReassignmentsScreen
from kcon.tui.screens.records import RecordsScreen
from kcon.tui.screens.reset import ResetScreen
from kcon.tui.screens.search import SearchScreen
from kcon.tui.screens.start import StartScreen
from kcon.tui.screens.topic import TopicScreen
from kcon.tui.screens.topics import TopicsScreen
from kcon.tui.screens.transactions import TransactionsScreen
from kcon.tui.screens.undo import UndoPlanScreen, UndoScreen
from kcon.tui.screens.users import UsersScreen
from kcon.tui.screens.why import WhyScreen

VIEWS: list[type[KconScreen]] = [
    AclsScreen,
    BrokerScreen,
    BrokersScreen,
    ChangeScreen,
    ColumnsScreen,
    LogScreen,
    ProduceScreen,
    QuorumScreen,
    QuotasScreen,
    ReassignmentsScreen,
    SearchScreen,
    TransactionsScreen,
    UsersScreen,
    WhyScreen,
    GroupScreen,
    GroupsScreen,
    HelpScreen,
    OutputScreen,
    OverviewScreen,
    PaletteScreen,
    RecordsScreen,
    ResetScreen,
    StartScreen,
    TopicScreen,
    TopicsScreen,
    UndoPlanScreen,
    UndoScreen,
]


def test_a_file_changes_a_key(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text('[keys]\nfilter = "ctrl+s"\n')
    keymap, warnings = load_keymap(tmp_path)
    assert keymap.key_of("filter") == "ctrl+s"
    assert keymap.key_of("help") == "?"
    assert warnings == []


@pytest.mark.parametrize("text", ["[keys", "keys = 3", "[keys]\nnope = 'x'\n", "[keys]\nfilter = 3\n"])
def test_a_bad_file_is_a_warning_and_the_defaults_stay(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.toml").write_text(text)
    keymap, warnings = load_keymap(tmp_path)
    assert keymap.key_of("filter") == "/"
    assert len(warnings) == 1


def test_no_file_is_no_warning(tmp_path: Path) -> None:
    assert load_keymap(tmp_path)[1] == []


@pytest.mark.parametrize("view", VIEWS)
def test_every_action_of_a_view_exists_and_has_a_key_of_its_own(view: type[KconScreen]) -> None:
    names = (*view.ACTIONS, *(name for name in EVERYWHERE if name not in view.ACTIONS))
    assert all(hasattr(view, f"do_{name}") for name in names)
    keys = [ACTIONS[name].key for name in names]
    assert len(set(keys)) == len(keys), keys


def test_upper_case_letters_change_the_cluster_or_lead_home() -> None:
    """A change has an upper-case letter, unless its key only offers a line or a plan that has to be confirmed."""
    upper = {action.id for action in ACTIONS.values() if len(action.key) == 1 and action.key.isupper()}
    changing = {action.id for action in ACTIONS.values() if action.mutation is not None}
    assert upper <= changing | {"overview"}
    assert {ACTIONS[name].key for name in upper} == {"X", "R", "P", "O"}
    assert {ACTIONS[name].key for name in changing - upper} == {"n", "a", "m", "v", "x", "enter"}
