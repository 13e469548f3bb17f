"""docs/parity.md: every kcon line in it is a command line that parses, and every script and tool is there."""

import re
import shlex
from pathlib import Path

import pytest

from kcon.commands.parse import HelpRequested, parse

PAGE = Path(__file__).resolve().parents[3] / "docs" / "parity.md"
FORMS = sorted(set(re.findall(r"`(kcon [^`]+)`", PAGE.read_text("utf-8").replace("\\|", "|"))))

OPTIONS = Path(__file__).with_name("apache_options.tsv").read_text("utf-8").splitlines()

APACHE = (
    *("topics", "configs", "console-consumer", "console-producer", "consumer-groups", "acls", "reassign-partitions"),
    *("leader-election", "delete-records", "get-offsets", "log-dirs", "transactions", "features", "metadata-quorum"),
    *("cluster", "share-groups", "streams-groups", "broker-api-versions", "groups", "delegation-tokens"),
)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_parses(form: str) -> None:
    try:
        parse(shlex.split(form)[1:])
    except HelpRequested:
        assert form == "kcon --version"


def section_of(script: str) -> str:
    """Return the part of the page below the heading that names a script."""
    parts = re.split(r"^###? ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return next(part for part in parts if f"{script}.sh" in part.partition("\n")[0])


@pytest.mark.parametrize("line", OPTIONS)
def test_each_option_of_apaches_scripts_is_there(line: str) -> None:
    """`tests/compat/test_apache_options.py` compares the list with what `--help` of the scripts says."""
    script, option = line.split("\t")
    assert re.search(rf"{option}(?![\w-])", section_of(script)), line


def test_every_tool_is_there() -> None:
    text = PAGE.read_text("utf-8")
    assert len(APACHE) == 20
    for name in APACHE:
        assert section_of(f"kafka-{name}")
    for name in ("kcat", "kcl", "kaf", "kafkactl", "rpk"):
        assert name in text, name
    assert len(FORMS) > 120
