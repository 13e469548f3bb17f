"""A read-only context, seen from the socket: a refused change sends nothing."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

MUTATIONS = [
    ("topic", "create", "x"),
    ("topic", "delete", "x", "-y"),
    ("topic", "delete", "x", "--confirm", "x"),
    ("group", "reset", "g", "--to", "start", "-y"),
    ("group", "reset", "g", "--to", "start", "-y", "--wait", "1s"),
    ("group", "undo", "g", "-y"),
    ("group", "delete", "g", "-y"),
    ("produce", "x", "v"),
    ("load", "-", "-t", "x"),
    ("load", "-", "-t", "x", "--job", "j"),
    ("copy", "x", "y", "-y"),
    ("copy", "x/0/1", "y", "--create", "-y"),
    ("redrive", "x", "-y"),
    ("topic", "apply", "-f", "-", "-y"),
    ("topic", "clone", "x", "y"),
    ("consume", "x", "-g", "g", "-e"),
    ("topic", "alter", "x", "--set", "a=b", "-y"),
    ("topic", "add-partitions", "x", "--add", "1", "-y"),
    ("topic", "purge", "x", "-y"),
    ("broker", "config", "1", "--set", "a=b", "-y"),
    ("cluster", "elect", "-y"),
    ("acl", "create", "--principal", "a", "-t", "x", "--operation", "read", "-y"),
    ("acl", "delete", "-t", "x", "-y"),
    ("quota", "alter", "--user", "u", "--set", "producer_byte_rate=1", "-y"),
    ("user", "create", "u", "--password-file", "-", "-y"),
    ("user", "alter", "u", "--password-file", "-", "-y"),
    ("user", "delete", "u", "-y"),
    ("group", "offsets", "delete", "g", "-t", "x", "-y"),
    ("group", "offsets", "import", "g", "-", "-y"),
    ("txn", "abort", "x", "-p", "0", "--start-offset", "1", "-y"),
    ("raw", "DeleteTopics", "--data", "{}", "-y"),
    ("raw", "Metadata", "--data", '{"topics": [{"name": "x"}]}', "-y"),
    ("reassign", "execute", "-t", "x", "-y"),
    ("reassign", "cancel", "-y"),
    ("reassign", "unthrottle", "-y"),
    ("cluster", "features", "--set", "metadata.version=30", "-y"),
    ("group", "reset", "--all-groups", "--to", "start", "-y"),
]


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
    ran = kcon(*argv, stdin=b"[topic.x]\n" if "apply" in argv else b"a\n")
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
