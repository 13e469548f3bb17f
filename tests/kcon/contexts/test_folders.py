"""Where files are kept, by environment alone."""

from pathlib import Path

import pytest

from kcon.contexts.folders import config_folder, find_project_file, state_folder


@pytest.mark.parametrize(
    ("environment", "config", "state"),
    [
        ({"HOME": "/h"}, "/h/.config/kcon", "/h/.local/state/kcon"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"}, "/c/kcon", "/s/kcon"),
        (
            {"HOME": "/h", "XDG_CONFIG_HOME": "relative", "XDG_STATE_HOME": ""},
            "/h/.config/kcon",
            "/h/.local/state/kcon",
        ),
        ({"HOME": "/h", "KCON_CONFIG_DIR": "/k", "KCON_STATE_DIR": "/l", "XDG_CONFIG_HOME": "/c"}, "/k", "/l"),
    ],
)
def test_folders(environment: dict[str, str], config: str, state: str) -> None:
    assert config_folder(environment) == Path(config)
    assert state_folder(environment) == Path(state)


def test_project_file_is_found_upwards_to_the_repository(tmp_path: Path) -> None:
    deep = tmp_path / "repo" / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    assert find_project_file(deep) is None
    (tmp_path / ".kcon.toml").touch()
    assert find_project_file(deep) is None
    (tmp_path / "repo" / ".kcon.toml").touch()
    assert find_project_file(deep) == tmp_path / "repo" / ".kcon.toml"
