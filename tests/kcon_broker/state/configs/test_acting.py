"""The page of configs that act is true: it is what the broker reads."""

from pathlib import Path

from kcon_broker.settings import GroupSettings
from kcon_broker.state.configs.acting import ACTING_GROUP_CONFIGS, ACTING_TOPIC_CONFIGS
from kcon_broker.state.groups.group_configs import GroupConfigs
from kcon_broker.state.topic_configs import effective_config
from tests.tools.render_broker_configs import render

PAGE = Path(__file__).resolve().parents[4] / "docs" / "broker-configs.md"


class Asked(dict[str, str]):
    """A mapping that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: object = None) -> None:  # type: ignore[override]  # It holds nothing.
        self.names.add(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return False

    def __bool__(self) -> bool:
        return True


def test_topic_configs_that_act() -> None:
    asked = Asked()
    effective_config(asked, {"cleanup.policy": "compact"})
    assert sorted(asked.names) == sorted(ACTING_TOPIC_CONFIGS)


def test_group_configs_that_act() -> None:
    asked, configs = Asked(), GroupConfigs(GroupSettings())
    configs.configure("g", asked)
    configs.session_timeout_ms("g")
    configs.heartbeat_interval_ms("g")
    configs.assignment_interval_ms("g")
    assert sorted(asked.names) == sorted(ACTING_GROUP_CONFIGS)


def test_page_is_made_from_the_tables() -> None:
    """Run `python -m tests.tools.render_broker_configs > docs/broker-configs.md` after a change."""
    assert PAGE.read_text() == render()
