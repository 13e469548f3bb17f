"""What can a person do, and with which key? The one registry that feeds keys, hints, help and the palette.

A screen names the actions it has; for each it defines `do_<id>`. Whether an action is possible now, and if not why,
is `Screen.why_not`.
"""

from dataclasses import dataclass
from typing import Final

from kcon.gate.permit import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do."""

    id: str
    key: str
    """The default key, as typed."""
    title: str
    hint: str = ""
    """The word in the line of hints; "" keeps it out of there."""
    mutation: Operation | None = None
    """It changes the cluster."""


def _table(*actions: Action) -> dict[str, Action]:
    return {action.id: action for action in actions}


ACTIONS: Final = _table(
    Action(id="open", key="enter", title="Open what the cursor is on", hint="open"),
    Action(id="back", key="escape", title="Back; a running job goes on", hint="back"),
    Action(id="command", key=":", title="Type a command of the CLI; empty: every action by name", hint="command"),
    Action(id="filter", key="/", title="Filter: text or regex; ! in front inverts, ~ matches letters", hint="filter"),
    Action(id="sort", key="s", title="Sort by a column: s, then its letter; again reverses", hint="sort"),
    Action(id="yank", key="y", title="Copy: key, value, headers, offset, all, or the CLI command", hint="copy"),
    Action(id="help", key="?", title="Keys of this view", hint="keys"),
    Action(id="refresh", key="r", title="Look at the cluster now", hint=""),
    Action(id="pause", key="p", title="Pause, or go on", hint="pause"),
    Action(id="faster", key="+", title="Look more often"),
    Action(id="slower", key="-", title="Look less often"),
    Action(id="overview", key="O", title="Overview"),
    Action(id="topics", key="t", title="Topics", hint="topics"),
    Action(id="groups", key="g", title="Groups", hint="groups"),
    Action(id="contexts", key="c", title="Contexts: look at another cluster"),
    Action(id="tab_1", key="1", title="First tab or panel"),
    Action(id="tab_2", key="2", title="Second tab or panel"),
    Action(id="tab_3", key="3", title="Third tab or panel"),
    Action(id="tab_4", key="4", title="Fourth tab or panel"),
    Action(id="tab_5", key="5", title="Fifth tab or panel"),
    Action(id="records", key="f", title="Follow the records", hint="records"),
    Action(id="follow", key="f", title="Follow: jump to the newest record and stay there", hint="follow"),
    Action(id="seek", key="@", title="Seek: start, end, 42, end-100, @-1h, @14:05 ...", hint="seek"),
    Action(id="previous", key="[", title="Previous record"),
    Action(id="next", key="]", title="Next record"),
    Action(id="pretty", key="h", title="Value as text, or in hexadecimal", hint="hex"),
    Action(id="detail", key="d", title="Show or hide the record's detail", hint="detail"),
    Action(id="reset", key="R", title="Reset the group's offsets", hint="reset", mutation=Operation.OFFSETS_COMMIT),
    Action(id="undo", key="u", title="Resets that can be taken back", hint="undo"),
    Action(id="demo", key="d", title="Start the demo: a broker with real data", hint="demo"),
    Action(id="connect", key="n", title="Connect to an address", hint="connect"),
    Action(id="import", key="i", title="Keep a cluster under a name", hint="keep"),
    Action(id="quit", key="q", title="Quit", hint="quit"),
)

EVERYWHERE: Final = (
    "command",
    "help",
    "overview",
    "topics",
    "groups",
    "contexts",
    "refresh",
    "pause",
    "faster",
    "slower",
    "back",
    "quit",
)
