"""Who may do what? The matrix of access rights: a row for each principal and resource, a column for each operation."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from textual import on

from kcon.core.acl import Acl, AclFilter, AclOperation, AclPattern, AclPermission, AclResource, word
from kcon.services.session import Session
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.listing import ListingScreen
from kcon.tui.text import plural
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

SHORT: Final = {
    AclOperation.ALL: "ALL",
    AclOperation.READ: "READ",
    AclOperation.WRITE: "WRITE",
    AclOperation.CREATE: "CREATE",
    AclOperation.DELETE: "DELETE",
    AclOperation.ALTER: "ALTER",
    AclOperation.DESCRIBE: "DESCR",
    AclOperation.CLUSTER_ACTION: "CLUSTER",
    AclOperation.DESCRIBE_CONFIGS: "CFG-R",
    AclOperation.ALTER_CONFIGS: "CFG-W",
    AclOperation.IDEMPOTENT_WRITE: "IDEMP",
}
RESOURCE_OPTIONS: Final = {
    AclResource.TOPIC: "--topic",
    AclResource.GROUP: "--group",
    AclResource.TRANSACTIONAL_ID: "--transactional-id",
    AclResource.USER: "--user",
}


class Whom(NamedTuple):
    """What a row of the matrix is about."""

    principal: str
    host: str
    resource: AclResource
    name: str
    pattern: AclPattern


def whom(acl: Acl) -> Whom:
    """Return the row an ACL belongs to."""
    return Whom(acl.principal.raw, acl.host.raw, acl.resource, acl.name.raw, acl.pattern)


def right_role(value: object) -> str:
    """Return the role of a cell; the word says it too."""
    return {"allow": "ok", "deny": "bad"}.get(str(value), "dim")


class AclsScreen(ListingScreen):
    """All ACLs."""

    TITLE_WORD = "ACLS"
    ACTIONS = ("open", "filter", "sort", "mark", "mark_all", "yank", "new_acl", "delete_acls")
    EMPTY = "no ACLs: whoever reaches the cluster may do everything, unless its settings say otherwise"
    HAS_SUMS = False
    COLUMNS = (
        Column(key="principal", title="PRINCIPAL", search=True),
        Column(key="resource", title="RESOURCE", search=True, flex=True, flex_min=14),
        Column(key="pattern", title="PATTERN", drop=12, search=True),
        *(
            Column(key=operation.name, title=title, role=right_role, drop=place + 1)
            for place, (operation, title) in enumerate(SHORT.items())
        ),
        Column(key="host", title="HOST", drop=13, search=True),
    )

    async def read(self, session: Session) -> list[Acl]:
        """Ask the cluster."""
        from kcon.services.acls import find_acls

        everything = AclFilter(AclResource.ANY, None, AclPattern.ANY, None, None, AclOperation.ANY, AclPermission.ANY)
        return await find_acls(session, [everything])

    def facts(self) -> Sequence[Fact]:
        """Count them."""
        return () if self.told is None else (Fact(plural(len(self.told), "ACL"), 2),)

    def _by_row(self, told: Sequence[Acl]) -> dict[Whom, list[Acl]]:
        rows: dict[Whom, list[Acl]] = {}
        for acl in told:
            rows.setdefault(whom(acl), []).append(acl)
        return rows

    def rows_of(self, told: Any) -> Rows:
        """Return the matrix."""
        rows = self._by_row(told)
        keys = sorted(rows)
        values: dict[str, Sequence[object]] = {
            "principal": [rows[key][0].principal for key in keys],
            "resource": [f"{word(key.resource)} {rows[key][0].name}" for key in keys],
            "pattern": [word(key.pattern) for key in keys],
            "host": [rows[key][0].host for key in keys],
        }
        for operation in SHORT:
            values[operation.name] = [_right(rows[key], operation) for key in keys]
        return Rows(keys=keys, values=values)

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon acl list"

    def do_new_acl(self) -> None:
        """Offer to create some."""
        self.type_command("acl create --principal NAME --consumer --topic TOPIC --group GROUP")

    @on(VirtualTable.Chosen)
    def _explain(self, event: VirtualTable.Chosen) -> None:
        if isinstance(event.key, Whom):
            self.console.execute_line(_explain_line(event.key))

    def do_delete_acls(self) -> None:
        """Delete every right of the row; the plan lists each of them."""
        keys = [key for key in self.query_one(VirtualTable).view.targets() if isinstance(key, Whom)]
        if len(keys) > 1:
            self.say("One row at a time: the rights of several rows are not one command.", bad=True)
        elif keys:
            self.plan("acl", "delete", *scope_words(keys[0]))


def _right(acls: Sequence[Acl], operation: AclOperation) -> str:
    permissions = {acl.permission for acl in acls if acl.operation is operation}
    # A denial wins over everything (Kafka's own rule), so it is what the cell says.
    if AclPermission.DENY in permissions:
        return "deny"
    return "allow" if permissions else "·"


def scope_words(key: Whom) -> list[str]:
    """Return the options that name exactly a row."""
    option = RESOURCE_OPTIONS.get(key.resource)
    resource = [option, key.name] if option is not None else ["--cluster"]
    pattern = [] if key.resource is AclResource.CLUSTER else ["--pattern", word(key.pattern)]
    return ["--principal", key.principal, *resource, *pattern, "--host", key.host]


def _explain_line(key: Whom) -> str:
    import shlex

    option = RESOURCE_OPTIONS.get(key.resource)
    resource = [option, key.name] if option is not None else ["--cluster"]
    return shlex.join(["acl", "explain", key.principal, *resource])
