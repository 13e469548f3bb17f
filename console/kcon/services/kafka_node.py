"""How does one node of Apache Kafka run on this machine? Its settings, its data folder, its process.

A node is KRaft and bound to 127.0.0.1 only. Its process is known by its id and by the settings file on its command
line, so that a later command finds it again and never signals a stranger that got the same id.
"""

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from kcon.errors import KconError, UnreachableError
from kcon.services.apache_kafka import java_argv, last_line, run_quietly

HOST: Final = "127.0.0.1"
STOP_GRACE_S: Final = 20.0
KILL_TIMEOUT_S: Final = 5.0
SIGNAL_TIMEOUT_S: Final = 2.0
"""A process stops and goes on a moment after it was told to."""
PS_TIMEOUT_S: Final = 5.0
SETTINGS_FILE: Final = "server.properties"
LOG_FILE: Final = "server.log"

# PR_SET_PDEATHSIG survives execve, so a tiny interpreter sets it and becomes the JVM; no code runs between fork
# and exec of a process that has threads.
_DIES_WITH_PARENT: Final = (
    "import ctypes, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 9)\n"
    "os.getppid() == int(sys.argv[1]) or sys.exit(1)\n"
    "os.execvp(sys.argv[2], sys.argv[2:])\n"
)


class NodeState(Enum):
    """What a node's process does."""

    RUNNING = "running"
    PAUSED = "paused"
    """It is there and does nothing (SIGSTOP), as a machine that hangs."""
    DEAD = "dead"


class AddressInUseError(Exception):
    """Somebody else took the node's port between choosing and binding it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """One node before it runs."""

    node_id: int
    folder: Path
    """Its settings, its log and its data."""
    port: int
    """Where clients find it."""
    controller_port: int | None
    """Where the quorum finds it; None: it is a broker alone."""

    @property
    def address(self) -> str:
        """Where clients find it."""
        return f"{HOST}:{self.port}"

    @property
    def roles(self) -> str:
        """What it is, in the words of `process.roles`."""
        return "broker" if self.controller_port is None else "broker,controller"

    @property
    def settings_path(self) -> Path:
        """The file its process was started with."""
        return self.folder / SETTINGS_FILE

    @property
    def log_path(self) -> Path:
        """What its process says."""
        return self.folder / LOG_FILE


class KafkaNode:
    """One node, started by this process or found again by its id."""

    def __init__(self, plan: NodePlan, pid: int, process: "subprocess.Popen[bytes] | None" = None) -> None:
        self.plan = plan
        self.pid = pid
        self._process = process

    @property
    def state(self) -> NodeState:
        """What its process does now."""
        told = _process_state(self.pid, str(self.plan.settings_path))
        if self._process is None:
            return told
        if self._process.poll() is not None:
            return NodeState.DEAD
        return NodeState.PAUSED if told is NodeState.PAUSED else NodeState.RUNNING

    async def pause(self) -> None:
        """Let it hang: its sockets stay open and nothing answers. KconError when it is dead."""
        self._signal(signal.SIGSTOP)
        await self._becomes(NodeState.PAUSED, SIGNAL_TIMEOUT_S)

    async def resume(self) -> None:
        """Let it go on. KconError when it is dead."""
        self._signal(signal.SIGCONT)
        await self._becomes(NodeState.RUNNING, SIGNAL_TIMEOUT_S)

    async def stop(self, *, grace_s: float = STOP_GRACE_S) -> None:
        """Stop it: a clean stop within `grace_s` (0: none at all), then SIGKILL. Idempotent."""
        if self.state is NodeState.DEAD:
            return
        if grace_s > 0:
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)
            if await self._becomes(NodeState.DEAD, grace_s):
                return
        self._signal(signal.SIGKILL)
        if not await self._becomes(NodeState.DEAD, KILL_TIMEOUT_S):
            raise KconError(f"Process {self.pid} of node {self.plan.node_id} does not end.", "Look at it with ps.")

    def disown(self) -> None:
        """Let it outlive this process: from now on it is known by its id alone."""
        if self._process is not None:
            self._process.returncode = 0  # Or the interpreter warns of a child that nobody waits for.
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        if self.state is NodeState.DEAD:
            if number in {signal.SIGKILL, signal.SIGCONT}:
                return
            raise KconError(f"Node {self.plan.node_id} does not run.", "`kcon cluster up` starts it again.")
        with suppress(ProcessLookupError):  # It ended by itself a moment ago.
            os.kill(self.pid, number)

    async def _becomes(self, wanted: NodeState, timeout_s: float) -> bool:
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self.state is not wanted:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True


async def format_node(classpath: str, plan: NodePlan, settings: Mapping[str, str], cluster_id: str) -> None:
    """Write the node's settings, and format its data folder if it is new. KconError with Kafka's own words."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    plan.settings_path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    if (plan.folder / "data" / "meta.properties").exists():
        return
    argv = java_argv(
        classpath,
        "kafka.tools.StorageTool",
        *("format", "--cluster-id", cluster_id, "--config", str(plan.settings_path)),
        jvm_options=("-XX:TieredStopAtLevel=1", "-Xmx128m"),
    )
    status, output = await run_quietly(argv, 90.0)
    if status != 0:
        raise KconError(f"Apache Kafka could not format {plan.folder}: {last_line(output)}")


def start_node(
    classpath: str, plan: NodePlan, *, heap_mb: int, jvm_options: Sequence[str] = (), dies_with_parent: bool = False
) -> KafkaNode:
    """Start a formatted node and return at once. It outlives the event loop, and ctrl-C is not for it."""
    argv = java_argv(
        classpath,
        "kafka.Kafka",
        str(plan.settings_path),
        jvm_options=(f"-Xmx{heap_mb}m", *jvm_options),
        log_level="warn",
    )
    if dies_with_parent and sys.platform == "linux":
        argv = [sys.executable, "-c", _DIES_WITH_PARENT, str(os.getpid()), *argv]
    with plan.log_path.open("wb") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=not dies_with_parent
        )
    return KafkaNode(plan, process.pid, process)


async def until_it_answers(node: KafkaNode, timeout_s: float) -> None:
    """Poll with ApiVersions: a node serves clients only once it is unfenced, so one answer is enough.

    KconError with the last line of the node's log when it ends early, UnreachableError on the deadline.
    """
    plan = node.plan
    try:
        async with asyncio.timeout(timeout_s):
            while not await answers(plan.port):
                if node.state is NodeState.DEAD:
                    log = plan.log_path.read_bytes()
                    if b"Address already in use" in log:
                        raise AddressInUseError
                    raise KconError(f"Apache Kafka ended while starting: {last_line(log)}", f"Its log: {plan.log_path}")
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise UnreachableError(
            f"Apache Kafka did not answer on {plan.address} within {timeout_s:.0f} s.", f"Its log: {plan.log_path}"
        ) from error


async def answers(port: int) -> bool:
    """Ask ApiVersions version 0 and tell whether an answer to it came within two seconds."""
    # int32 size | int16 api key 18 | int16 version 0 | int32 correlation id | int16 -1 (no client id)
    request = struct.pack(">ihhih", 10, 18, 0, 1, -1)
    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(request)
                _size, correlation_id = struct.unpack(">ii", await reader.readexactly(8))
                return bool(correlation_id == 1)
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError):
        return False


def is_free(port: int) -> bool:
    """Tell whether a node could listen there. Somebody else's Kafka on the port would answer for ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int, *, but: Iterable[int] = ()) -> list[int]:
    """Return so many different ports that nobody listens on now, none of them in `but`."""
    taken = set(but)
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            probe = held.enter_context(socket.socket())
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
            if port not in taken:
                found.append(port)
    return found


def random_cluster_id() -> str:
    """Return a random UUID in Kafka's form: 16 bytes, URL-safe base64, no padding, no leading dash."""
    while True:
        text = urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _process_state(pid: int, mark: str) -> NodeState:
    """Say what the process does whose command line holds `mark`; DEAD when the id is somebody else's now."""
    told = _ask_kernel(pid, mark) if sys.platform == "linux" else _ask_ps(pid)
    if told is None:
        return NodeState.DEAD
    letter, command = told
    if letter in "ZX" or mark not in command:
        return NodeState.DEAD
    return NodeState.PAUSED if letter in "Tt" else NodeState.RUNNING


def _ask_kernel(pid: int, mark: str) -> tuple[str, str] | None:
    """Return the state letter and the command line of a process (Linux: proc(5)); None when there is none."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "surrogateescape")
        letter = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
        if letter == "Z" and len(os.listdir(f"/proc/{pid}/task")) > 1:
            return "R", mark  # Its first thread is gone; the others still hold its ports.
    except (OSError, IndexError):
        return None
    return letter, command


def _ask_ps(pid: int) -> tuple[str, str] | None:
    result = subprocess.run(
        ["ps", "-ww", "-o", "state=,command=", "-p", str(pid)],
        capture_output=True,
        check=False,
        timeout=PS_TIMEOUT_S,
    )
    letter, _space, command = result.stdout.decode("utf-8", "surrogateescape").strip().partition(" ")
    return (letter[:1], command) if letter else None
