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
    Action(
        id="edit", key="enter", title="Change what the cursor is on", hint="change", mutation=Operation.CONFIG_ALTER
    ),
    Action(id="back", key="escape", title="Back; a running job goes on", hint="back"),
    Action(id="command", key=":", title="Type a command of the CLI; empty: every action by name", hint="command"),
    Action(id="filter", key="/", title="Filter: text or regex; ! in front inverts, ~ matches letters", hint="filter"),
    Action(id="keep_filter", key="&", title="Keep this filter, so that it is offered again; or forget it"),
    Action(id="sort", key="s", title="Sort by a column: s, then its letter; again reverses", hint="sort"),
    Action(id="columns", key=",", title="Choose columns and their order"),
    Action(id="mark", key="space", title="Mark the row", hint="mark"),
    Action(id="mark_all", key="*", title="Mark every row that the filter lets through, or none"),
    Action(id="favourite", key="#", title="Make it a favourite, which stands above; again: not any more"),
    Action(id="yank", key="y", title="Copy: key, value, headers, offset, all, or the CLI command", hint="copy"),
    Action(id="help", key="?", title="Keys of this view", hint="keys"),
    Action(id="refresh", key="r", title="Look at the cluster now", hint=""),
    Action(id="pause", key="p", title="Pause, or go on", hint="pause"),
    Action(id="faster", key="+", title="Look more often"),
    Action(id="slower", key="-", title="Look less often"),
    Action(id="zoom_in", key=">", title="Charts: a shorter time"),
    Action(id="zoom_out", key="<", title="Charts: a longer time"),
    Action(id="past", key="@", title="Go to a moment of the past: @-1h, 14:05; esc is the present", hint="time"),
    Action(id="past_back", key="[", title="The past: a step back"),
    Action(id="past_on", key="]", title="The past: a step on"),
    Action(id="past_mark_back", key="{", title="The past: to the mark before"),
    Action(id="past_mark_on", key="}", title="The past: to the next mark"),
    Action(id="past_shorter", key="(", title="The past: shorter steps"),
    Action(id="past_longer", key=")", title="The past: longer steps"),
    Action(id="overview", key="O", title="Overview"),
    Action(id="topics", key="t", title="Topics", hint="topics"),
    Action(id="groups", key="g", title="Groups", hint="groups"),
    Action(id="brokers", key="b", title="Brokers", hint="brokers"),
    Action(id="contexts", key="c", title="Contexts: look at another cluster"),
    Action(id="log", key="l", title="Log of what was asked, with the commands that ask the same"),
    Action(id="zone", key="z", title="Times in the context's zone, UTC, local, or as ages"),
    Action(id="theme", key="ctrl+t", title="Look different: the next theme"),
    Action(id="tab_1", key="1", title="First tab or panel"),
    Action(id="tab_2", key="2", title="Second tab or panel"),
    Action(id="tab_3", key="3", title="Third tab or panel"),
    Action(id="tab_4", key="4", title="Fourth tab or panel"),
    Action(id="tab_5", key="5", title="Fifth tab or panel"),
    Action(id="records", key="f", title="Follow the records", hint="records"),
    Action(id="follow", key="f", title="Follow: jump to the newest record and stay there", hint="follow"),
    Action(id="seek", key="@", title="Seek: start, end, 42, end-100, @-1h, @14:05 ...", hint="seek"),
    Action(id="search", key="s", title="Search all records with an expression, as a job", hint="search"),
    Action(id="previous", key="[", title="Previous record"),
    Action(id="next", key="]", title="Next record"),
    Action(id="page_previous", key="(", title="A large value: the page before"),
    Action(id="page_next", key=")", title="A large value: the next page"),
    Action(id="form", key="h", title="The record as text, fields, hexadecimal, or its sizes", hint="form"),
    Action(id="detail", key="d", title="Show or hide the record's detail", hint="detail"),
    Action(id="compare", key="=", title="Compare with the marked record, or with the one before", hint="compare"),
    Action(id="fields", key=".", title="Fields of the value as columns", hint="fields"),
    Action(id="editor", key="e", title="Open in $EDITOR or $PAGER"),
    Action(id="export", key="o", title="Write what is shown to a file"),
    Action(id="resend", key="n", title="Send this record again, with edits", hint="resend", mutation=Operation.PRODUCE),
    Action(
        id="dead_letter",
        key="m",
        title="Copy this record to a dead letter queue, with where it came from",
        hint="to DLQ",
        mutation=Operation.PRODUCE,
    ),
    Action(
        id="skip",
        key="x",
        title="Let a group go on behind this record",
        hint="skip",
        mutation=Operation.OFFSETS_COMMIT,
    ),
    Action(
        id="redrive",
        key="v",
        title="These are dead letters: send them back to where they came from",
        mutation=Operation.PRODUCE,
    ),
    Action(id="produce", key="P", title="Produce a record", hint="produce", mutation=Operation.PRODUCE),
    Action(id="new_topic", key="n", title="Create a topic", hint="new", mutation=Operation.TOPIC_CREATE),
    Action(
        id="delete_topics",
        key="X",
        title="Delete topics, or only their records",
        hint="delete",
        mutation=Operation.TOPIC_DELETE,
    ),
    Action(id="more_partitions", key="a", title="Add partitions", mutation=Operation.PARTITIONS_ADD),
    Action(
        id="delete_groups",
        key="X",
        title="Delete groups; their commits are kept",
        hint="delete",
        mutation=Operation.GROUP_DELETE,
    ),
    Action(id="reset", key="R", title="Reset the group's offsets", hint="reset", mutation=Operation.OFFSETS_COMMIT),
    Action(id="new_acl", key="n", title="Create ACLs", hint="new", mutation=Operation.ACL_CREATE),
    Action(id="delete_acls", key="X", title="Delete ACLs", hint="delete", mutation=Operation.ACL_DELETE),
    Action(id="new_quota", key="n", title="Set a quota", hint="new", mutation=Operation.QUOTA_ALTER),
    Action(id="edit_quota", key="enter", title="Change a quota", hint="change", mutation=Operation.QUOTA_ALTER),
    Action(id="delete_quotas", key="X", title="Take quotas away", hint="delete", mutation=Operation.QUOTA_ALTER),
    Action(id="new_user", key="n", title="Create a SCRAM user", hint="new", mutation=Operation.USER_ALTER),
    Action(
        id="edit_user",
        key="enter",
        title="Give a user another password",
        hint="password",
        mutation=Operation.USER_ALTER,
    ),
    Action(id="delete_users", key="X", title="Delete SCRAM users", hint="delete", mutation=Operation.USER_ALTER),
    Action(id="abort", key="X", title="Abort a hanging transaction", hint="abort", mutation=Operation.TXN_ABORT),
    Action(id="move", key="n", title="Move replicas: plan", hint="move", mutation=Operation.REASSIGN),
    Action(id="cancel_moves", key="X", title="Cancel moves", hint="cancel", mutation=Operation.REASSIGN),
    Action(id="elect", key="n", title="Elect preferred leaders", hint="elect", mutation=Operation.LEADERS_ELECT),
    Action(id="every", key="v", title="Defaults too, or only what somebody set", hint="all"),
    Action(id="why", key="w", title="Why does the group lag? Cause, evidence, what to run next", hint="why"),
    Action(id="undo", key="u", title="Resets that can be taken back", hint="undo"),
    Action(id="demo", key="d", title="Start the demo: a broker with real data", hint="demo"),
    Action(id="connect", key="n", title="Connect to an address", hint="connect"),
    Action(id="import", key="i", title="Keep a cluster under a name", hint="keep"),
    Action(id="choose", key="space", title="Show the column, or hide it", hint="show/hide"),
    Action(id="up", key="[", title="Move the column to the left", hint="left"),
    Action(id="down", key="]", title="Move the column to the right", hint="right"),
    Action(id="run_again", key="enter", title="Run the command", hint="run"),
    Action(id="quit", key="q", title="Quit", hint="quit"),
)

EVERYWHERE: Final = (
    "command",
    "help",
    "overview",
    "topics",
    "groups",
    "brokers",
    "contexts",
    "keep_filter",
    "columns",
    "refresh",
    "pause",
    "faster",
    "slower",
    "zone",
    "log",
    "theme",
    "back",
    "quit",
)
