"""A defect that one client's request meets must not reach the others."""

from collections.abc import Iterator

import pytest

from kcon_broker.handlers.registry import HANDLERS, Answer, CloseConnection, Handler, Park, RequestContext, handler_of
from kcon_broker.server import dispatch
from kcon_broker.server.commit import Committer
from kcon_broker.server.sync import Errors, SyncEngine
from kcon_broker.storage.files import Syncable
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.describe_cluster import DescribeClusterRequest, DescribeClusterResponse
from kcon_broker.wire.messages.produce import ProduceRequest, ProduceResponse
from tests.kcon_broker.raw_client import RawClient, batch, frame, produce, produce_request


@pytest.fixture
def neighbour(broker: InProcessBroker) -> Iterator[RawClient]:
    with RawClient(broker.bootstrap) as connected:
        yield connected


def serve_with(monkeypatch: pytest.MonkeyPatch, handle: object) -> None:
    """Let a function of the test answer DescribeCluster."""
    key = ApiKey.DESCRIBE_CLUSTER
    old = HANDLERS[key]
    handler = Handler(key, old.min_version, old.max_version, old.min_served_version, old.request_type, handle)  # type: ignore[arg-type]  # Some handlers here are wrong on purpose.
    monkeypatch.setitem(HANDLERS, key, handler)


def raises(ctx: RequestContext, request: DescribeClusterRequest) -> Answer:
    raise ZeroDivisionError


def closes(ctx: RequestContext, request: DescribeClusterRequest) -> Answer:
    raise CloseConnection("for the test")


def answers_nonsense(ctx: RequestContext, request: DescribeClusterRequest) -> Answer:
    return Answer(DescribeClusterResponse(controller_id=1 << 40))


def raises_later(ctx: RequestContext, request: DescribeClusterRequest) -> Park:
    return Park(ctx.now_ms, (), lambda later: raises(later, request))


@pytest.mark.parametrize("handle", [raises, closes, answers_nonsense, raises_later])
def test_failure_closes_only_its_own_connection(
    monkeypatch: pytest.MonkeyPatch, client: RawClient, neighbour: RawClient, handle: object
) -> None:
    serve_with(monkeypatch, handle)
    client.send(DescribeClusterRequest(), 0)
    assert client.is_closed_by_broker()
    assert neighbour.ask(ApiVersionsRequest(), ApiVersionsResponse, 0).error_code == ErrorCode.NONE


def test_every_advertised_range_is_served(client: RawClient) -> None:
    advertised = client.ask(ApiVersionsRequest(), ApiVersionsResponse, 0).api_keys
    assert {entry.api_key for entry in advertised} == set(HANDLERS)
    for entry in advertised:
        handler = HANDLERS[entry.api_key]
        assert handler.min_served_version >= handler.request_type.MIN_VERSION
        assert entry.max_version <= handler.request_type.MAX_VERSION


@pytest.mark.parametrize(("requests", "size"), [(4, 1 << 20), (1_000, 1)], ids=["many requests", "many bytes"])
def test_a_flood_of_one_connection_leaves_turns_to_the_others(
    monkeypatch: pytest.MonkeyPatch, client: RawClient, neighbour: RawClient, requests: int, size: int
) -> None:
    """A round ends when it has lasted long enough, here at once; who asks meanwhile is in the next."""
    monkeypatch.setattr(dispatch, "_ROUND_S", 0.0)
    monkeypatch.setattr(dispatch, "_TURN_REQUESTS", requests)
    monkeypatch.setattr(dispatch, "_TURN_BYTES", size)
    seen: list[int] = []

    def note(ctx: RequestContext, request: ProduceRequest) -> Answer:
        if not seen:
            # The flood is being handled: somebody else asks.
            neighbour.send(produce_request("t", None), 9)
        seen.append(ctx.connection_id)
        return Answer(ProduceResponse())

    old = handler_of(ApiKey.PRODUCE)
    assert old is not None
    handler = Handler(old.api_key, old.min_version, old.max_version, old.min_served_version, old.request_type, note)
    monkeypatch.setitem(HANDLERS, ApiKey.PRODUCE, handler)
    client.send_bytes(b"".join(frame(produce_request("t", None), 9, number) for number in range(200)))
    for _ in range(200):
        client.receive_frame()
    neighbour.receive_frame()
    (other,) = [number for number, connection_id in enumerate(seen) if connection_id != seen[0]]
    assert other < 50, "it did not wait for the whole flood"


@pytest.mark.parametrize(
    ("padding", "synced_here"), [(0, 1), (dispatch._SMALL_BYTES + 1, 0)], ids=["a small one", "a large one"]
)
def test_the_loop_syncs_only_a_small_request_of_a_client_alone(
    monkeypatch: pytest.MonkeyPatch, client: RawClient, padding: int, synced_here: int
) -> None:
    """A larger one would keep the next from arriving."""
    assert produce(client, "t", batch(b"opens the partition")).error_code == ErrorCode.NONE
    here: list[object] = []
    sync_here = SyncEngine.sync_here

    def noted(engine: SyncEngine, file: Syncable) -> Errors:
        here.append(file)
        return sync_here(engine, file)

    monkeypatch.setattr(SyncEngine, "sync_here", noted)
    monkeypatch.setattr(Committer, "_may_sync_here", lambda committer, _now_s: committer.is_only_one_waiting())
    assert produce(client, "t", batch(b"x" * padding)).error_code == ErrorCode.NONE
    assert len(here) == synced_here
