"""Does every partition have at most one owner at every instant? A history of what members of a group own.

A member owns a partition from the answer that gives it until it begins the request that gives it back: what a consumer
does, which stops reading first. Members of both group protocols are driven by one thread, one event after the other,
so that an instant is an event; what comes next is drawn from a seed.
"""

import random
import select
from itertools import count
from typing import Final

from kcon_broker.wire.error_codes import ErrorCode
from tests.semantics.kafka import Kafka
from tests.semantics.members import ClassicMember, ConsumerMember, Owned, assigned, assignment, subscription

_STEPS_OF_A_CHANGE: Final = 40
_SETTLED_WITHIN_S: Final = 60.0


class History:
    """Who owns what now; refuses a second owner."""

    def __init__(self) -> None:
        self.owners: dict[tuple[str, int], str] = {}
        self.events: list[str] = []
        self._numbers = count(1)

    def new_name(self, kind: str) -> str:
        """Return a name that no member has had."""
        return f"{kind} {next(self._numbers)}"

    def owns(self, member: str, owned: Owned) -> None:
        """Note all that a member owns from now on."""
        self.events.append(f"{member} owns {owned}")
        for place in [place for place, owner in self.owners.items() if owner == member]:
            del self.owners[place]
        for topic, partitions in owned.items():
            for partition in partitions:
                other = self.owners.get((topic, partition))
                told = "\n".join(self.events[-20:])
                assert other is None, f"{topic}-{partition} has two owners, {other} and {member}:\n{told}"
                self.owners[topic, partition] = member


class Classic:
    """A member of the classic protocol that gives everything back before it joins again."""

    def __init__(self, kafka: Kafka, history: History, group: str, topic: str, partitions: int) -> None:
        self._kafka, self._history = kafka, history
        self._topic, self._partitions = topic, partitions
        self._member = ClassicMember(kafka, group, protocols={"range": subscription(topic, owned={})})
        self._awaits = ""
        self.name = history.new_name("classic")

    def step(self) -> None:
        """Take the answer that is there, or ask the next thing."""
        if self._awaits:
            self._take()
        elif not self._member.member_id or self._member.generation < 0 or self._member.heartbeat() != ErrorCode.NONE:
            self._join()

    def leave(self) -> None:
        """Leave, whatever it waits for."""
        self._history.owns(self.name, {})
        if self._awaits == "join" and not self._member.member_id:
            # The id comes at once; whoever keeps it to himself makes the others wait for him.
            self._member.joined()
        if self._member.member_id:
            member, on = self._member, self._member.on
            member.on = f"{on} leaving"
            member.leave()
            member.on = on
        self._kafka.close(self._member.on)

    def _join(self) -> None:
        self._history.owns(self.name, {})
        self._member.send_join()
        self._awaits = "join"

    def _take(self) -> None:
        if not select.select([self._kafka.connection(self._member.on).fileno()], [], [], 0)[0]:
            return
        awaited, self._awaits = self._awaits, ""
        if awaited == "join":
            self._joined()
            return
        answer = self._member.synced()
        if answer.error_code:
            self._forget_if_fenced(answer.error_code)
            self._join()
        elif answer.assignment:
            self._history.owns(self.name, assigned(answer.assignment))

    def _joined(self) -> None:
        answer = self._member.joined()
        if answer.error_code:
            self._forget_if_fenced(answer.error_code)
            self._join()
            return
        given: dict[str, bytes] = {}
        if answer.leader == self._member.member_id:
            ids = [member.member_id for member in answer.members]
            for index, member_id in enumerate(ids):
                mine = [number for number in range(self._partitions) if number % len(ids) == index]
                given[member_id] = assignment({self._topic: mine})
        self._member.send_sync(given)
        self._awaits = "sync"

    def _forget_if_fenced(self, error_code: int) -> None:
        if error_code in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
            self._member.member_id, self._member.generation = "", -1


class New:
    """A member of the new protocol, which gives back what it must and keeps the rest."""

    def __init__(self, kafka: Kafka, history: History, group: str, topic: str) -> None:
        self._history = history
        self._member = ConsumerMember(kafka, group, topic)
        self._is_in = False
        self.name = history.new_name("new")

    def step(self) -> None:
        """Join, or say what is owned and take what is given."""
        answer = self._member.report() if self._is_in else self._member.join()
        if answer.error_code in (ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID):
            self._history.owns(self.name, {})
            self._member.epoch, self._member.owned, self._is_in = 0, {}, False
            return
        assert not answer.error_code, answer
        self._is_in = True
        # Only what is asked for next counts as given back, so what is lost goes before what is gained.
        self._history.owns(self.name, self._member.owned)

    def leave(self) -> None:
        """Give everything back and leave."""
        self._history.owns(self.name, {})
        if self._is_in:
            self._member.leave()


def live_through(
    kafka: Kafka, kinds: tuple[str, ...], *, changes: int, partitions: int, seed: int, members_first: int = 0
) -> History:
    """Have members of these kinds come and go, until the last ones share everything; return the history.

    The first ones come at once, and share everything before anybody else comes or goes.
    """
    rng = random.Random(seed)
    topic, group, history = kafka.topic(partitions=partitions), kafka.fresh(), History()
    members: list[Classic | New] = []

    def come() -> None:
        kind = rng.choice(kinds)
        member = (
            Classic(kafka, history, group, topic, partitions)
            if kind == "classic"
            else New(kafka, history, group, topic)
        )
        members.append(member)

    def settle() -> int:
        for member in members:
            member.step()
        return len(history.owners)

    def is_shared() -> bool:
        """Tell whether everything has an owner, and every member something."""
        mine = min(len(members), partitions)
        return len(history.owners) == partitions and len(set(history.owners.values())) == mine

    def settled() -> None:
        # Nobody changes anything for a while; a broker may take its time before it counts new members in.
        kafka.until(
            settle,
            lambda _: is_shared() and all(settle() == partitions for _ in range(5)),
            deadline_s=_SETTLED_WITHIN_S,
        )
        assert is_shared(), history.events[-20:]

    for _ in range(members_first):
        come()
    if members:
        settled()
    for _ in range(changes):
        if len(members) > 1 and rng.random() < 0.4:
            members.pop(rng.randrange(len(members))).leave()
        else:
            come()
        for _ in range(rng.randrange(_STEPS_OF_A_CHANGE)):
            rng.choice(members).step()

    settled()
    return history
