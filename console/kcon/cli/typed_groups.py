"""What do `kcon share` and `kcon streams` share? The list of one kind of groups, and names that are not there."""

from collections.abc import Mapping, Sequence

from kcon.cli.document import Column, Document, ItemError
from kcon.cli.invocation import Invocation
from kcon.core.ids import GroupId
from kcon.core.kafka_error import KafkaError
from kcon.services.groups import group_error, list_groups
from kcon.services.session import Session

_COLUMNS = (Column(key="group"), Column(key="state"), Column(key="coordinator", right=True, drop=1))


async def list_kind(kind: str, patterns: Sequence[str], invocation: Invocation, session: Session) -> int:
    """Show the groups of one kind."""
    async with invocation.deadline():
        found = await list_groups(session, invocation.patterns(patterns))
    return invocation.show(
        Document(
            kind=f"{kind.title()}GroupList",
            context=invocation.context.name,
            columns=_COLUMNS,
            name_key="group",
            items=[
                {"group": each.group, "state": each.state or None, "coordinator": each.coordinator_id}
                for each in found.groups
                if each.group_type == kind
            ],
            errors=[
                ItemError(item=f"groups of broker {broker}", error=error) for broker, error in found.errors.items()
            ],
        )
    )


def kind_errors(kind: str, told: Mapping[GroupId, object]) -> list[ItemError]:
    """Return the errors of groups that could not be described."""
    return [
        ItemError(item=f"group {group}", error=group_error(group, each, kind))
        for group, each in told.items()
        if isinstance(each, KafkaError)
    ]
