"""The wheel holds the three packages, their data and the licence, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    code = "import os, sys, hatchling.build as b; os.chdir(sys.argv[1]); print(b.build_wheel(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", code, str(ROOT), str(folder)], check=True, timeout=100, capture_output=True)
    (wheel,) = folder.glob("kcon-*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_top_level_names(wheel_names: list[str]) -> None:
    """`console`, `broker`, `plugins` and `tests` are folders of the repository, never importable names."""
    tops = {name.split("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == {"kcon", "kcon_broker", "kcon_plugins"}


def test_man_pages_go_where_man_looks(wheel_names: list[str]) -> None:
    pages = {name.split("/data/")[1] for name in wheel_names if ".data/" in name}
    assert pages == {f"share/man/man1/{path.name}" for path in (ROOT / "docs" / "man").iterdir()}
    assert "share/man/man1/kcon.1" in pages


def test_licence_and_typing_markers_are_inside(wheel_names: list[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel_names)
    for package in ("kcon", "kcon_broker", "kcon_plugins"):
        assert f"{package}/py.typed" in wheel_names


def test_no_rubbish_is_inside(wheel_names: list[str]) -> None:
    assert not [name for name in wheel_names if "__pycache__" in name or name.endswith((".orig", ".swp"))]
