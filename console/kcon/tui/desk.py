"""Which cluster is open, and what is known of it? One desk a context; several are open at the same time.

The desk in front is looked at as often as the user chose, the others now and then, so that their history goes on.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from textual.message import Message

from kcon.contexts.context import Context
from kcon.tui.cluster_events import ClusterEvents
from kcon.tui.engine import Engine, Receiver
from kcon.tui.events import JobEnded, SamplingFailed, SnapshotTaken
from kcon.tui.standing_watch import StandingWatch

if TYPE_CHECKING:
    from kcon.observe.snapshot import ClusterSnapshot
    from kcon.tui.needs import Need
    from kcon.tui.past_view import PastView
    from kcon.tui.record_search import SearchJob, SearchKey

DESKS_MAX: Final = 6
"""The one that was longest out of sight is closed for a further one."""
BEHIND_INTERVAL_MS: Final = 30_000
SEARCHES_MAX: Final = 8


class Desk:
    """One open cluster."""

    def __init__(self, context: Context, engine: Engine, receiver: Receiver) -> None:
        self.context = context
        self.engine = engine
        self.snapshot: ClusterSnapshot | None = None
        self.failure: tuple[str, str] | None = None
        """Why the last look failed, and a hint; None when it did not."""
        self.is_started = False
        self.pages: frozenset[tuple[str, str]] | None = None
        """What could not wait at the last look; None before the first."""
        self.searches: OrderedDict[SearchKey, SearchJob] = OrderedDict()
        """The last ones, running or not."""
        self.events = ClusterEvents()
        self.standing = StandingWatch(engine, self)
        self.past: PastView | None = None
        """The time slider, once it was used."""
        self._receiver = receiver
        self._interval_ms = engine.interval_ms

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """Return what tells desks apart."""
        return self.context.name, tuple(self.context.bootstrap)

    def post_message(self, message: Message) -> bool:
        """Hand on what the engine says, with the name of the desk. Engine thread."""
        if isinstance(message, SnapshotTaken | SamplingFailed | JobEnded):
            # No other thread has it yet.
            message.desk = self
        return self._receiver.post_message(message)

    def has_new_page(self, needs: "list[Need]") -> bool:
        """Remember what cannot wait; return whether something is new among it. The first look is never new."""
        pages = frozenset((str(need.subject), need.what.split()[0]) for need in needs if need.is_page)
        before, self.pages = self.pages, pages
        return before is not None and bool(pages - before)

    def start(self) -> None:
        """Let the engine begin, once."""
        if not self.is_started:
            self.is_started = True
            self.engine.start(self)

    def to_front(self) -> None:
        """Look as often as before."""
        if self.is_started and self.engine.interval_ms == BEHIND_INTERVAL_MS != self._interval_ms:
            self.engine.set_interval(self._interval_ms)

    def to_back(self) -> None:
        """Look now and then."""
        self._interval_ms = self.engine.interval_ms
        if self.is_started:
            self.engine.set_interval(BEHIND_INTERVAL_MS)

    def keep_search(self, key: "SearchKey", job: "SearchJob") -> None:
        """Keep a search, so that it is found again; the one that was longest out of sight is stopped and forgotten."""
        self.searches[key] = job
        while len(self.searches) > SEARCHES_MAX:
            self.searches.popitem(last=False)[1].stop()

    def close(self) -> None:
        """Let the engine go."""
        self.engine.stop()
        if self.past is not None:
            self.past.close()
