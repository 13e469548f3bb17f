"""Which view shows what an address names? Each is loaded when it is first opened."""

from collections.abc import Callable
from typing import Final

from kcon.tui.address import Address, Broker, Group, Groups, Listing, Records, Topic, Topics
from kcon.tui.screens.base import KconScreen


def screen_of(address: Address) -> KconScreen | None:
    """Return a new view; None for the overview, which is always there."""
    match address:
        case Topics():
            from kcon.tui.screens.topics import TopicsScreen

            return TopicsScreen()
        case Groups():
            from kcon.tui.screens.groups import GroupsScreen

            return GroupsScreen()
        case Topic(name):
            from kcon.tui.screens.topic import TopicScreen

            return TopicScreen(name)
        case Group(group):
            from kcon.tui.screens.group import GroupScreen

            return GroupScreen(group)
        case Broker(broker_id):
            from kcon.tui.screens.broker import BrokerScreen

            return BrokerScreen(broker_id)
        case Records(name, partition, start, others, of_group):
            from kcon.tui.screens.records import RecordsScreen

            return RecordsScreen(name, partition, start, others, of_group)
        case Listing(word):
            return _LISTINGS[word]()
        case _:
            return None


def _brokers() -> KconScreen:
    from kcon.tui.screens.brokers import BrokersScreen

    return BrokersScreen()


def _acls() -> KconScreen:
    from kcon.tui.screens.acls import AclsScreen

    return AclsScreen()


def _quotas() -> KconScreen:
    from kcon.tui.screens.quotas import QuotasScreen

    return QuotasScreen()


def _users() -> KconScreen:
    from kcon.tui.screens.users import UsersScreen

    return UsersScreen()


def _transactions() -> KconScreen:
    from kcon.tui.screens.transactions import TransactionsScreen

    return TransactionsScreen()


def _reassignments() -> KconScreen:
    from kcon.tui.screens.reassignments import ReassignmentsScreen

    return ReassignmentsScreen()


def _quorum() -> KconScreen:
    from kcon.tui.screens.quorum import QuorumScreen

    return QuorumScreen()


_LISTINGS: Final[dict[str, Callable[[], KconScreen]]] = {
    "brokers": _brokers,
    "acls": _acls,
    "quotas": _quotas,
    "users": _users,
    "transactions": _transactions,
    "reassignments": _reassignments,
    "quorum": _quorum,
}
