"""Which SCRAM users are there? Their mechanisms; passwords are set and never shown."""

from typing import Any

from textual import on

from kcon.core.kafka_error import KafkaError
from kcon.services.session import Session
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.listing import ListingScreen
from kcon.tui.widgets.virtual_table import VirtualTable


class UsersScreen(ListingScreen):
    """All users with a SCRAM credential."""

    TITLE_WORD = "USERS"
    ACTIONS = ("edit_user", "filter", "sort", "mark", "mark_all", "yank", "new_user", "delete_users")
    EMPTY = "no SCRAM users"
    HAS_SUMS = False
    COLUMNS = (
        Column(key="user", title="USER", flex=True, search=True),
        Column(key="mechanisms", title="MECHANISMS", search=True),
        Column(key="iterations", title="ITERATIONS", right=True, drop=1),
    )

    async def read(self, session: Session) -> Any:
        """Ask the cluster."""
        told = await (await session.admin()).scram_users()
        for name, user in told.items():
            if isinstance(user, KafkaError):
                raise user.as_exception(f"user {name}")
        return list(told.values())

    def rows_of(self, told: Any) -> Rows:
        """Return a row a user."""
        return Rows(
            keys=[user.name for user in told],
            values={
                "user": [user.name for user in told],
                "mechanisms": [", ".join(kind.title for kind, _count in user.credentials) for user in told],
                "iterations": [max((count for _kind, count in user.credentials), default=None) for user in told],
            },
        )

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon user list"

    def do_new_user(self) -> None:
        """Offer to create one; the password is asked for after the plan."""
        self.type_command("user create ")

    @on(VirtualTable.Chosen)
    def _chosen(self) -> None:
        self.run_action_named("edit_user")

    def do_edit_user(self) -> None:
        """Give another password."""
        key = self.query_one(VirtualTable).cursor_key
        if key is not None:
            self.plan("user", "alter", getattr(key, "raw", str(key)))

    def do_delete_users(self) -> None:
        """Delete the marked users."""
        names = [getattr(key, "raw", str(key)) for key in self.query_one(VirtualTable).view.targets()]
        if names:
            self.plan("user", "delete", *names)
