"""docs/parity.md: every kcon line in it is a command line that parses, and every script and tool is there."""

import re
import shlex
from pathlib import Path

import pytest

from kcon.commands.parse import HelpRequested, parse

PAGE = Path(__file__).resolve().parents[3] / "docs" / "parity.md"
FORMS = sorted(set(re.findall(r"`(kcon [^`]+)`", PAGE.read_text("utf-8").replace("\\|", "|"))))

APACHE = (
    *("kafka-topics", "kafka-configs", "kafka-console-consumer", "kafka-console-producer", "kafka-consumer-groups"),
    *("kafka-acls", "reassign-partitions", "leader-election", "delete-records", "get-offsets", "log-dirs"),
    *("transactions", "features", "metadata-quorum", "cluster", "share-groups", "streams-groups"),
    *("broker-api-versions", "groups", "delegation-tokens"),
)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_parses(form: str) -> None:
    try:
        parse(shlex.split(form)[1:])
    except HelpRequested:
        assert form == "kcon --version"


def test_every_tool_is_there() -> None:
    text = PAGE.read_text("utf-8")
    assert len(APACHE) == 20
    for name in (*APACHE, "kcat", "kcl", "kaf", "kafkactl", "rpk"):
        assert name in text, name
    assert len(FORMS) > 120
