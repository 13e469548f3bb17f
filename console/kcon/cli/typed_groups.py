"""What do `kcon share` and `kcon streams` share? The list of one kind of groups, and names that are not there."""

from collections.abc import Mapping, Sequence

from kcon.cli.document import Column, Document, ItemError
from kcon.cli.invocation import Invocation
from kcon.core.ids import GroupId, group_id
from kcon.core.kafka_error import KafkaError
from kcon.errors import NotFoundError
from kcon.services.groups import list_groups
from kcon.services.names import is_pattern
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


async def groups_named(kind: str, names: Sequence[str], session: Session) -> list[GroupId]:
    """Return the ids that names and globs mean, among the groups of one kind."""
    if not any(is_pattern(name, regex=False) for name in names):
        return [group_id(name) for name in dict.fromkeys(names)]
    found = await list_groups(session, names)
    mine = [each.group for each in found.groups if each.group_type == kind]
    return [*mine, *(group_id(name) for name in found.missing)]


def kind_errors(kind: str, told: Mapping[GroupId, object]) -> list[ItemError]:
    """Return the errors of groups that could not be described."""
    errors = []
    for group, each in told.items():
        if isinstance(each, KafkaError):
            missing = NotFoundError(f"There is no {kind} group {group}.", f"`kcon {kind} list` shows the names.")
            is_missing = each.name == "GROUP_ID_NOT_FOUND"
            error = missing if is_missing else each.as_exception(f"group {group}")
            errors.append(ItemError(item=f"group {group}", error=error))
    return errors
