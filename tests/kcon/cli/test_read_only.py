"""The gate, seen from the socket: what read-only and protected contexts send, for every command that there is."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kcon.admin.apis import Api
from tests.answering_broker import AnsweringBroker
from tests.every_command import CHANGES, CHANGES_ELSEWHERE, READS

MUTATIONS = [
    *((*path.split(), *words) for path, (_api, several) in CHANGES.items() for words in several),
    *((*path.split(), *words) for path, words in CHANGES_ELSEWHERE.items()),
]

HARMLESS = {
    *(Api.API_VERSIONS, Api.METADATA, Api.LIST_OFFSETS, Api.OFFSET_FETCH, Api.FIND_COORDINATOR, Api.LIST_GROUPS),
    *(Api.SASL_HANDSHAKE, Api.SASL_AUTHENTICATE),
    *(api for api in Api if api.title.startswith(("Describe", "List"))),
    *(Api.CONSUMER_GROUP_DESCRIBE, Api.SHARE_GROUP_DESCRIBE, Api.STREAMS_GROUP_DESCRIBE),
}
"""Written down here once more, so that the test does not ask the code under test what a mutation is."""

SANE: dict[str, object] = {
    "state": "Empty",
    "group_state": "Empty",
    "group_type": "classic",
    "protocol_type": "consumer",
}
SANE |= {
    "replica_nodes": [2, 1],
    "isr_nodes": [2, 1],
}  # Another broker leads than the preferred one, so that there is something to do.
MORE: dict[str, dict[str, object]] = {
    "user create": {"results": []},
    "cluster unregister": {"is_fenced": True, "replica_nodes": [2]},
}
"""What must be different for a change to be possible."""
TEXTS = {"reassign logdir": ("x", "y")}
"""What there is beside x."""
STDIN = {"group offsets import": b"x,0,3\n", "topic apply": b"[topic.x]\n"}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen where the cluster should be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


@pytest.mark.parametrize("argv", MUTATIONS, ids=" ".join)
@pytest.mark.parametrize("variable", [("KCON_READ_ONLY", "1"), ("KCON_MODE", "read-only")], ids=lambda each: each[0])
def test_no_change_reaches_the_socket(
    listener: socket.socket, kcon: Any, argv: tuple[str, ...], variable: tuple[str, str]
) -> None:
    kcon.variables["KCON_BOOTSTRAP"] = f"127.0.0.1:{listener.getsockname()[1]}"
    kcon.variables[variable[0]] = variable[1]
    ran = kcon(*argv, stdin=next((STDIN[path] for path in STDIN if " ".join(argv).startswith(path)), b"a\n"))
    assert ran.code == 6
    assert "read-only" in ran.err
    with pytest.raises(BlockingIOError):  # Nobody has even connected.
        listener.accept()


def test_the_listener_would_notice(listener: socket.socket, kcon: Any) -> None:
    """The test above can fail: a command that reads does connect."""
    kcon.variables["KCON_BOOTSTRAP"] = f"127.0.0.1:{listener.getsockname()[1]}"
    kcon.variables["KCON_READ_ONLY"] = "1"
    kcon("topic", "list", "--timeout", "200ms")
    accepted, _address = listener.accept()
    accepted.close()


def sent(broker: AnsweringBroker) -> set[str]:
    """Return what was sent that could change something, Metadata that creates topics among it."""
    changes = {api.title for api, _ in broker.asked if api not in HARMLESS}
    creating = [told for api, told in broker.asked if api is Api.METADATA and told.allow_auto_topic_creation]
    return changes | ({"Metadata with allow_auto_topic_creation"} if creating else set())


@pytest.mark.parametrize("path", READS)
def test_a_command_that_reads_sends_nothing_that_changes(path: str, kcon: Any) -> None:
    with AnsweringBroker(("x",), fixed=SANE) as broker:
        kcon.variables["KCON_BOOTSTRAP"] = broker.address
        kcon.variables["KCON_READ_ONLY"] = "1"
        kcon(*path.split(), *READS[path], "--timeout", "5s")
        assert broker.asked
        assert sent(broker) == set()


ON_THE_ADMIN_PLANE = [path for path, (api, _) in CHANGES.items() if api is not None]


@pytest.mark.parametrize("path", ON_THE_ADMIN_PLANE)
def test_a_protected_context_wants_the_name_for_every_change(
    path: str, kcon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """-y is no name. With `--confirm NAME`, or where nothing is protected, the same words do send the change."""

    async def times_at(*_: object) -> dict[object, int]:
        return {}  # Of records, which this broker does not have.

    monkeypatch.setattr("kcon.cli.group_reset.times_at", times_at)
    api, several = CHANGES[path]
    words = [word for word in several[0] if word != "-y"]
    given = STDIN.get(path, b"a\n")
    line = (*path.split(), *words, "--timeout", "5s")
    with AnsweringBroker(TEXTS.get(path, ("x",)), fixed=SANE | MORE.get(path, {}), is_steady=True) as broker:
        kcon.variables["KCON_BOOTSTRAP"] = broker.address
        kcon.variables["KCON_MODE"] = "protect"
        agreed = [] if path == "topic create" else ["-y"]
        ran = kcon(*line, *agreed, stdin=given)
        assert (ran.code, sent(broker)) == (6, set()), ran
        wanted = ran.err.rpartition("--confirm ")[2].strip().removesuffix(".")
        kcon.variables["KCON_STATE_DIR"] = str(Path(kcon.folder) / "other")
        done = kcon(*line, "--confirm", wanted, stdin=given)
        assert api in sent(broker), (wanted, done)
    Path(kcon.folder, "new").unlink(missing_ok=True)  # A file of a secret is never replaced.
    with AnsweringBroker(TEXTS.get(path, ("x",)), fixed=SANE | MORE.get(path, {}), is_steady=True) as broker:
        kcon.variables |= {"KCON_BOOTSTRAP": broker.address, "KCON_MODE": "read-write"}
        kcon(*line, *agreed, stdin=given)
        assert sent(broker) == {api}
