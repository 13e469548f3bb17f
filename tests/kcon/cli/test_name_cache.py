"""Completion with names of a cluster: from a cache, quiet on failure, and never a name that a shell could act on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kcon.cli.name_cache import cache_file, connection_words, refresh, run_names
from tests.answering_broker import AnsweringBroker
from tests.hostile_text import CORPUS, is_forbidden

KCON = str(Path(sys.executable).with_name("kcon"))


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    found = {f"KCON_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE")}
    return found | {"HOME": str(tmp_path), "PATH": f"{Path(KCON).parent}:{os.environ['PATH']}"}


def fill(environment: dict[str, str], kind: str, names: list[str], words: tuple[str, ...] = ()) -> Path:
    path = cache_file(kind, words, environment)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(names))
    return path


def test_names_come_from_the_cache_by_their_beginning(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(environment, "topic", ["orders", "orders.dlq", "clicks"])
    fill(environment, "topic", ["elsewhere"], ("-C", "prod"))
    assert run_names(["topic", "ord", "topic", "describe"], environment) == 0
    assert capsys.readouterr().out == "orders\norders.dlq\n"
    assert run_names(["topic", "", "-C", "prod", "topic", "list"], environment) == 0
    assert capsys.readouterr().out == "elsewhere\n"


def test_a_name_that_a_shell_or_a_terminal_could_act_on_is_left_out(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(environment, "group", [*CORPUS, "$(touch x)", "a b", "-rf", "good"])
    run_names(["group", ""], environment)
    out = capsys.readouterr().out
    assert "good\n" in out
    assert not set("$`;&|<>()'\"\\ \t*?[]{}!") & set(out)
    assert is_forbidden(out.encode()) is None
    assert "-rf" not in out.split()


@pytest.mark.parametrize("argv", [[], ["topic"], ["nope", ""], ["context", ""]])
def test_it_is_quiet(environment: dict[str, str], argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path(environment["KCON_CONFIG_DIR"]).mkdir()
    (Path(environment["KCON_CONFIG_DIR"]) / "config.toml").write_text("[damaged")
    assert run_names(argv, environment) == 0
    assert capsys.readouterr() == ("", "")


def test_a_list_is_fetched_and_a_failure_is_kept_as_an_empty_one(environment: dict[str, str]) -> None:
    with AnsweringBroker(("one",), many=1) as broker:
        words = ("-b", broker.address)
        path = cache_file("topic", words, environment)
        path.parent.mkdir(parents=True)
        assert refresh("topic", path, words, environment) == 0
        assert json.loads(path.read_text()) == ["one"]
        assert path.stat().st_mode & 0o777 == 0o600
        refresh("group", cache_file("group", words, environment), words, environment)
        assert json.loads(cache_file("group", words, environment).read_text()) == ["one"]
    gone = cache_file("topic", ("-b", "127.0.0.1:1"), environment)
    assert refresh("topic", gone, ("-b", "127.0.0.1:1"), environment) == 3
    assert json.loads(gone.read_text()) == []


def test_which_words_choose_the_cluster() -> None:
    words = ["-C", "prod", "topic", "--bootstrap=h:1", "describe", "-X", "a=b", "-o"]
    assert connection_words(words) == ["-C", "prod", "--bootstrap=h:1", "-X", "a=b"]
    assert connection_words(["topic", "-C"]) == []


def test_bash_completes_names_verbs_and_options(environment: dict[str, str], tmp_path: Path) -> None:
    fill(environment, "topic", ["orders", "orders.dlq", "$(touch owned)"])
    fill(environment, "group", ["billing"])
    ask = """
    source <(kcon completion bash)
    complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _kcon; echo "${COMPREPLY[*]}"; }
    complete_line kcon topic describe ord
    complete_line kcon topic des
    complete_line kcon group lag b
    complete_line kcon consume orders -g ""
    complete_line kcon topic list --und
    complete_line kcon topic delete ""
    """
    told = subprocess.run(
        ["bash", "-c", ask], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    lines = told.stdout.splitlines()
    assert lines[:4] == ["orders orders.dlq", "describe", "billing", "billing"]
    assert "--under-replicated" in lines[4]
    assert lines[5] == "orders orders.dlq"
    assert not (tmp_path / "owned").exists()
