"""What a command loads: the difference between a tool that answers at once and one that does not."""

import subprocess
import sys

import pytest

HEAVY = {"textual", "plotext", "rich", "confluent_kafka", "httpx"}


def loaded_by(*argv: str) -> set[str]:
    """Run `kcon` with these words in a fresh interpreter; return the modules it loaded."""
    script = (
        "import sys\n"
        f"sys.argv = {['kcon', *argv]!r}\n"
        "from kcon.__main__ import main\n"
        "main()\n"
        "sys.stderr.write('\\nMODULES ' + ' '.join(sys.modules))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60, stdin=subprocess.DEVNULL
    )
    return set(ran.stderr.rpartition("MODULES ")[2].split())


def tops(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("argv", [("--help",), ("-h",)])
def test_the_root_help_loads_next_to_nothing(argv: tuple[str, ...]) -> None:
    modules = loaded_by(*argv)
    assert not tops(modules) & {*HEAVY, "click", "asyncio", "kio", "dataclasses"}
    assert not {name for name in modules if name.startswith("kcon.commands.")} - {"kcon.commands.table"}


def test_help_of_a_command_loads_that_command_only() -> None:
    modules = loaded_by("topic", "list", "--help")
    assert not tops(modules) & {*HEAVY, "asyncio", "kio"}
    assert "kcon.commands.topic" in modules
    assert not modules & {"kcon.commands.group", "kcon.commands.consume", "kcon.services", "kcon.admin"}


@pytest.mark.parametrize(
    "argv",
    [
        ("topic", "list", "-b", "127.0.0.1:1"),
        ("group", "lag", "--all", "-b", "127.0.0.1:1"),
        ("group", "reset", "g", "--to", "end", "-b", "127.0.0.1:1"),
        ("consume", "t", "-b", "127.0.0.1:1"),
        ("topic", "list", "-b", "127.0.0.1:1", "-X", "security.protocol=SSL"),
    ],
    ids=lambda argv: argv[0],
)
def test_one_shot_commands_load_nothing_heavy_before_they_need_it(argv: tuple[str, ...]) -> None:
    modules = loaded_by(*argv)
    assert "kcon.admin.client" in modules
    assert not tops(modules) & HEAVY


@pytest.mark.parametrize("argv", [("errcode", "3"), ("context", "list"), ("--version",), ("topic", "lst")])
def test_local_commands_load_no_network(argv: tuple[str, ...]) -> None:
    assert not tops(loaded_by(*argv)) & {*HEAVY, "asyncio", "kio", "socket"}
