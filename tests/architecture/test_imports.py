"""The import rules hold: the contracts of pyproject.toml, and the lazy imports that keep one-shot commands quick."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("textual", "plotext", "rich", "confluent_kafka", "httpx")


def loaded_after(code: str) -> set[str]:
    """Run `code` in a fresh interpreter and return the top-level names of all loaded modules."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sorted({{name.split('.')[0] for name in sys.modules}})))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(result.stdout.split())


def test_contracts_are_kept() -> None:
    """A forbidden import is a design mistake that no unit test would see."""
    result = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--config", "pyproject.toml", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import kcon",
        "import kcon.errors, kcon.core.wire_text, kcon.core.ids",
        "import kcon.contexts, kcon.gate, kcon.plugin_api",
        "import kcon.admin",
        "import kcon.services.session",
    ],
)
def test_one_shot_paths_load_nothing_heavy(code: str) -> None:
    assert not loaded_after(code) & set(HEAVY)


def test_the_broker_loads_no_console_and_no_codec_of_others() -> None:
    """The broker's start-up time is a promise; kio alone would cost a third of it."""
    loaded = loaded_after("import kcon_broker.server.serve, kcon_broker.server.server")
    assert not loaded & {"kcon", "kcon_plugins", "kio", *HEAVY}


def test_the_import_probe_sees_what_is_loaded() -> None:
    """The probe itself must be able to fail."""
    assert "httpx" in loaded_after("import httpx")
