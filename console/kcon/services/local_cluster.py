"""How does one run a real Apache Kafka on this machine? Resolve it with Maven, start a node on loopback, stop it.

The node is KRaft, broker and controller in one process, bound to 127.0.0.1 only. It is the target to rehearse
on and the oracle that the tests compare kcon's own broker with. Nothing here downloads by itself: Maven does,
into its own repository, and the resulting class path is remembered in kcon's cache folder.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import platformdirs

from kcon.errors import KconError, UnreachableError

KAFKA_VERSION: Final = "4.3.0"
"""The Apache Kafka that kcon rehearses on and is tested against; nothing else names a version."""

SCALA_VERSION: Final = "2.13"
SLF4J_VERSION: Final = "1.7.36"
RESOLVE_TIMEOUT_S: Final = 600.0
START_TIMEOUT_S: Final = 90.0
STOP_GRACE_S: Final = 20.0
HEAP_MB: Final = 512
PORT_ATTEMPTS: Final = 3
"""Free ports are picked, released, then bound by the node: another process may be quicker."""

_POM: Final = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>kcon</groupId><artifactId>local-cluster</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_{scala}</artifactId><version>{kafka}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{kafka}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>{slf4j}</version>
    </dependency>
  </dependencies>
</project>
"""

_PROPERTIES: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    # One node cannot hold three copies of the internal topics.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A first member need not wait three seconds for a second one.
    "group.initial.rebalance.delay.ms": "0",
}

_CAUSE: Final = re.compile(r"\b\w+(Exception|Error)\b")

# PR_SET_PDEATHSIG survives execve, so a tiny interpreter sets it and becomes the JVM; no code runs between fork
# and exec of a process that has threads.
_DIES_WITH_PARENT: Final = (
    "import ctypes, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 9)\n"
    "os.getppid() == int(sys.argv[1]) or sys.exit(1)\n"
    "os.execvp(sys.argv[2], sys.argv[2:])\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalClusterOptions:
    """What a caller may choose about the node."""

    data_dir: Path
    """Settings, data and log of the node; kept by `stop`, the caller removes it."""
    port: int | None = None
    """The client port; None takes a free one. The controller always takes a free one."""
    heap_mb: int = HEAP_MB
    start_timeout_s: float = START_TIMEOUT_S
    dies_with_parent: bool = False
    """Linux only: the node is killed when the thread that started it ends, however it ends."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Broker settings on top of the ones kcon needs."""
    jvm_options: Sequence[str] = ()


class LocalCluster:
    """A running node. Stop it with `stop`, from any event loop."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, data_dir: Path) -> None:
        self._process = process
        self.bootstrap = f"127.0.0.1:{port}"
        self.data_dir = data_dir
        self.log_path = data_dir / "server.log"

    @property
    def pid(self) -> int:
        """Return the process id of the JVM."""
        return self._process.pid

    async def stop(self, *, grace_s: float = STOP_GRACE_S) -> None:
        """Stop the node: a clean stop within `grace_s` (0: none at all), then SIGKILL. Idempotent."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM if grace_s > 0 else signal.SIGKILL)
            if not await _ended_within(self._process, max(grace_s, 5.0)):
                self._process.kill()
                await asyncio.to_thread(self._process.wait)


def missing_requirement() -> str | None:
    """Name what this machine lacks to run Apache Kafka, or return None."""
    for command in ("java", "mvn"):
        if shutil.which(command) is None:
            return command
    return None


async def resolve_classpath(cache_dir: Path | None = None, *, version: str = KAFKA_VERSION) -> str:
    """Return the class path of Apache Kafka and its tools, resolved by Maven once and then remembered."""
    lacking = missing_requirement()
    if lacking is not None:
        raise KconError(f"'{lacking}' is needed to run Apache Kafka and is not on the PATH.", "Install it.")
    folder = cache_dir or platformdirs.user_cache_path("kcon")
    work = folder / f"apache-kafka-{version}"
    remembered = work / "classpath"
    known = _remembered_classpath(remembered)
    if known is not None:
        return known
    work.mkdir(parents=True, exist_ok=True)
    pom = work / "pom.xml"
    pom.write_text(_POM.format(kafka=version, scala=SCALA_VERSION, slf4j=SLF4J_VERSION))
    fresh = work / f"classpath.{os.getpid()}"
    # fmt: off
    argv = ["mvn", "--quiet", "--batch-mode", "--file", str(pom), "dependency:build-classpath",
            f"-Dmdep.outputFile={fresh}", "-Dmdep.includeScope=runtime"]
    # fmt: on
    status, output = await _run(argv, RESOLVE_TIMEOUT_S)
    if status != 0 or not fresh.is_file():
        raise KconError(
            f"Maven could not resolve Apache Kafka {version}: {_last_line(output)}",
            f"Try it by hand: mvn -f {pom} dependency:resolve",
        )
    os.replace(fresh, remembered)
    return remembered.read_text()


def java_argv(
    classpath: str, main_class: str, *arguments: str, jvm_options: Sequence[str] = (), log_level: str = "error"
) -> list[str]:
    """Return the command line that runs one of Apache Kafka's programs, quiet below `log_level`."""
    # fmt: off
    return ["java", "-XX:+UseSerialGC", f"-Dorg.slf4j.simpleLogger.defaultLogLevel={log_level}",
            "-Dorg.slf4j.simpleLogger.showDateTime=true", *jvm_options, "-cp", classpath, main_class, *arguments]
    # fmt: on


async def start_local_cluster(classpath: str, options: LocalClusterOptions) -> LocalCluster:
    """Format the data folder if it is new, start the node and return when it answers requests.

    Raises KconError with the last line of the node's log when it ends early, UnreachableError on the deadline.
    """
    attempts = PORT_ATTEMPTS if options.port is None else 1
    for attempt in range(1, attempts + 1):
        port = options.port or _free_port()
        if not _is_free(port):
            raise KconError(f"Port {port} is in use.", "Choose another one.")
        cluster = await _start(classpath, options, port)
        try:
            await _until_it_answers(cluster, port, options.start_timeout_s)
        except _AddressInUseError as error:
            await cluster.stop(grace_s=0)
            if attempt == attempts:
                raise KconError(f"Port {port} is in use.", "Choose another one.") from error
        except BaseException:
            await cluster.stop(grace_s=0)
            raise
        else:
            return cluster
    raise AssertionError("every attempt returns or raises")


class _AddressInUseError(Exception):
    pass


async def _start(classpath: str, options: LocalClusterOptions, port: int) -> LocalCluster:
    folder = options.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "server.properties"
    settings.write_text(_settings_text(folder, port, _free_port(but=port), options.properties))
    if not (folder / "data" / "meta.properties").exists():
        argv = java_argv(
            classpath,
            "kafka.tools.StorageTool",
            *("format", "--cluster-id", _random_cluster_id(), "--config", str(settings)),
            jvm_options=("-XX:TieredStopAtLevel=1",),
        )
        status, output = await _run(argv, options.start_timeout_s)
        if status != 0:
            raise KconError(f"Apache Kafka could not format {folder}: {_last_line(output)}")
    argv = java_argv(
        classpath,
        "kafka.Kafka",
        str(settings),
        jvm_options=(f"-Xmx{options.heap_mb}m", *options.jvm_options),
        log_level="warn",
    )
    if options.dies_with_parent and sys.platform == "linux":
        argv = [sys.executable, "-c", _DIES_WITH_PARENT, str(os.getpid()), *argv]
    return LocalCluster(_spawn(argv, folder / "server.log"), port, folder)


def _spawn(argv: Sequence[str], log_path: Path) -> "subprocess.Popen[bytes]":
    """Start a process that outlives the event loop: whoever stops it may run another loop."""
    with log_path.open("wb") as log:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _settings_text(folder: Path, port: int, controller_port: int, extra: Mapping[str, str]) -> str:
    properties = {
        **_PROPERTIES,
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "log.dirs": str(folder / "data"),
        **extra,
    }
    return "".join(f"{key}={value}\n" for key, value in properties.items())


async def _until_it_answers(cluster: LocalCluster, port: int, timeout_s: float) -> None:
    """Poll with ApiVersions: a node serves clients only once it is unfenced, so one answer is enough."""
    try:
        async with asyncio.timeout(timeout_s):
            while not await _answers(port):
                if cluster._process.poll() is not None:
                    log = cluster.log_path.read_bytes()
                    if b"Address already in use" in log:
                        raise _AddressInUseError
                    raise KconError(
                        f"Apache Kafka ended while starting: {_last_line(log)}", f"Its log: {cluster.log_path}"
                    )
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise UnreachableError(
            f"Apache Kafka did not answer on 127.0.0.1:{port} within {timeout_s:.0f} s.",
            f"Its log: {cluster.log_path}",
        ) from error


async def _answers(port: int) -> bool:
    """Ask ApiVersions version 0 and tell whether an answer to it came within two seconds."""
    # int32 size | int16 api key 18 | int16 version 0 | int32 correlation id | int16 -1 (no client id)
    request = struct.pack(">ihhih", 10, 18, 0, 1, -1)
    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request)
                _size, correlation_id = struct.unpack(">ii", await reader.readexactly(8))
                return bool(correlation_id == 1)
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError):
        return False


def _remembered_classpath(path: Path) -> str | None:
    """Return what `path` remembers, unless Maven's repository was emptied since."""
    if not path.is_file():
        return None
    classpath = path.read_text()
    return classpath if all(os.path.exists(jar) for jar in classpath.split(os.pathsep)) else None


def _is_free(port: int) -> bool:
    """Tell whether a node could listen there. Somebody else's Kafka on the port would answer for ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port(*, but: int = 0) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port != but:
            return port


def _random_cluster_id() -> str:
    """Return a random UUID in Kafka's form: 16 bytes, URL-safe base64, no padding, no leading dash."""
    from base64 import urlsafe_b64encode

    while True:
        text = urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        if not text.startswith("-"):
            return text


async def _run(argv: Sequence[str], timeout_s: float) -> tuple[int, bytes]:
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(timeout_s):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise UnreachableError(f"'{argv[0]}' was not done within {timeout_s:.0f} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode if process.returncode is not None else -1, output


async def _ended_within(process: "subprocess.Popen[bytes]", timeout_s: float) -> bool:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while process.poll() is None:
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def _last_line(output: bytes) -> str:
    """Return the line that says most: of a Java stack trace its last cause, else the last one."""
    from kcon.core.wire_text import display_safe

    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    causes = [line for line in lines if not line.startswith(("at ", "...")) and _CAUSE.search(line)]
    found = (causes or lines)[-1:]
    return display_safe(found[0]) if found else "(no output)"
