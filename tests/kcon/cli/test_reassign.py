"""What `kcon reassign` makes of its words before it asks the admin client."""

from kcon.cli.reassign import racks_that_count
from kcon.commands.parse import parse
from kcon.commands.reassign import ReassignPlan
from kcon.core.broker_facts import BrokerRow
from kcon.core.ids import HostName
from kcon.core.wire_text import WireText

BROKERS = [
    BrokerRow(number, HostName(WireText("h")), 9_092, WireText(rack) if rack else None, fenced=False)
    for number, rack in enumerate(("a", "b", ""))
]


def racks_of(*words: str) -> dict[int, str | None]:
    request = parse(["reassign", *words, "-t", "x"])
    assert isinstance(request, ReassignPlan)
    return racks_that_count(request, BROKERS)


def test_racks_count_unless_they_are_to_be_ignored() -> None:
    for verb in ("plan", "execute"):
        assert racks_of(verb) == {0: "a", 1: "b"}
        assert racks_of(verb, "--ignore-racks") == {}
