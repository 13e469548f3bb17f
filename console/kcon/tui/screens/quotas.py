"""Who is held to what rate? Quotas of users, client ids and addresses, and which one would win."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from textual import on

from kcon.commands.quota import DEFAULT_NAME
from kcon.core.quota import CLIENT_ID, IP, KEYS, USER, Quota, QuotaEntity
from kcon.core.wire_text import WireText
from kcon.services.session import Session
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.listing import ListingScreen
from kcon.tui.text import UNKNOWN, plural
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

OPTIONS: Final[Mapping[str, str]] = {USER: "--user", CLIENT_ID: "--client-id", IP: "--ip"}


def show_number(value: object) -> str:
    """Write a rate without digits that say nothing."""
    return f"{value:,.10g}" if isinstance(value, int | float) else UNKNOWN


def scope_words(entity: QuotaEntity) -> list[str]:
    """Return the options that name an entity."""
    words = []
    for kind, name in entity.parts:
        words += [OPTIONS.get(kind, f"--{kind}"), DEFAULT_NAME if name is None else name]
    return words


class QuotasScreen(ListingScreen):
    """All quotas, one row each."""

    TITLE_WORD = "QUOTAS"
    ACTIONS = ("edit_quota", "filter", "sort", "mark", "mark_all", "yank", "new_quota", "delete_quotas")
    EMPTY = "no quotas"
    HAS_SUMS = False
    COLUMNS = (
        Column(key="user", title="USER", flex=True, search=True),
        Column(key="client", title="CLIENT ID", search=True),
        Column(key="ip", title="IP", search=True, drop=2),
        Column(key="key", title="QUOTA", search=True),
        Column(key="value", title="VALUE", right=True, show=show_number),
        Column(key="unit", title="UNIT", drop=1),
    )

    async def read(self, session: Session) -> list[Quota]:
        """Ask the cluster."""
        return await (await session.admin()).quotas()

    def facts(self) -> Sequence[Fact]:
        """Count them."""
        return () if self.told is None else (Fact(plural(len(self._rows(self.told)), "quota"), 2),)

    @staticmethod
    def _rows(told: Sequence[Quota]) -> list[tuple[QuotaEntity, str, float]]:
        return [(quota.entity, key, value) for quota in told for key, value in quota.values.items()]

    def rows_of(self, told: Any) -> Rows:
        """Return a row a quota."""
        rows = self._rows(told)
        names = [
            {kind: DEFAULT_NAME if name is None else name for kind, name in entity.parts} for entity, _k, _v in rows
        ]

        def column(kind: str) -> list[WireText | None]:
            return [WireText(each[kind]) if kind in each else None for each in names]

        return Rows(
            keys=[(entity, key) for entity, key, _value in rows],
            values={
                "user": column(USER),
                "client": column(CLIENT_ID),
                "ip": column(IP),
                "key": [key for _entity, key, _value in rows],
                "value": [value for _entity, _key, value in rows],
                "unit": [KEYS.get(key, "") for _entity, key, _value in rows],
            },
        )

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon quota list"

    def do_new_quota(self) -> None:
        """Offer to set one."""
        self.type_command("quota alter --user NAME --set producer_byte_rate=1048576")

    @on(VirtualTable.Chosen)
    def _chosen(self) -> None:
        self.run_action_named("edit_quota")

    def do_edit_quota(self) -> None:
        """Offer to change the one under the cursor."""
        key = self.query_one(VirtualTable).cursor_key
        if isinstance(key, tuple):
            entity, name = key
            value = next((value for each, k, value in self._rows(self.told) if (each, k) == key), 0.0)
            self.type_command(f"quota alter {shlex.join(scope_words(entity))} --set {name}={value:.10g}")

    def do_delete_quotas(self) -> None:
        """Take the marked ones away; they must be of one entity."""
        keys = [key for key in self.query_one(VirtualTable).view.targets() if isinstance(key, tuple)]
        entities = {entity for entity, _name in keys}
        if len(entities) != 1:
            self.say("Mark quotas of one user or client at a time.", bad=True)
            return
        words = [word for _entity, name in keys for word in ("--delete", name)]
        self.plan("quota", "alter", *scope_words(entities.pop()), *words)
