"""Where is Apache Kafka on this machine, and how is one of its programs run? A folder that is given, or Maven's jars.

Nothing here downloads by itself: Maven does, into its own repository, and the resulting class path is remembered in
kcon's cache folder.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import platformdirs

from kcon.errors import KconError, UnreachableError, UsageError

KAFKA_VERSION: Final = "4.3.0"
"""The Apache Kafka that kcon rehearses on and is tested against; nothing else names a version."""

SCALA_VERSION: Final = "2.13"
SLF4J_VERSION: Final = "1.7.36"
RESOLVE_TIMEOUT_S: Final = 600.0
JAVA_TIMEOUT_S: Final = 20.0
JAVA_MIN: Final = 17
"""Apache Kafka 4 runs its broker on Java 17 and newer (KIP-1013)."""

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

_CAUSE: Final = re.compile(r"\b\w+(Exception|Error)\b")
_VERSION: Final = re.compile(r"\d+(\.\d+){1,3}")
_JAVA_VERSION: Final = re.compile(rb'version "(\d+)(?:\.(\d+))?')


def missing_requirement() -> str | None:
    """Name what this machine lacks to run Apache Kafka from Maven's jars, or return None."""
    for command in ("java", "mvn"):
        if shutil.which(command) is None:
            return command
    return None


async def check_java() -> None:
    """Make sure that there is a Java that runs Apache Kafka. KconError says what is missing."""
    if shutil.which("java") is None:
        raise KconError(
            "Apache Kafka needs Java, and there is no 'java' on the PATH.", f"Install Java {JAVA_MIN} or newer."
        )
    status, output = await run_quietly(["java", "-version"], JAVA_TIMEOUT_S)
    found = _JAVA_VERSION.search(output)
    if status != 0 or found is None:
        raise KconError(f"'java -version' failed: {last_line(output)}", f"Install Java {JAVA_MIN} or newer.")
    # Before Java 9 the number that counts came second: 1.8.
    version = int(found[2] or 0) if found[1] == b"1" else int(found[1])
    if version < JAVA_MIN:
        raise KconError(
            f"Apache Kafka needs Java {JAVA_MIN} or newer, and 'java' is {version}.",
            "Install a newer one, or put it first on the PATH.",
        )


def classpath_of_folder(folder: Path) -> str:
    """Return the class path of an unpacked Apache Kafka. UsageError when the folder is none."""
    if not list(folder.glob("libs/kafka-clients-*.jar")) or not list(folder.glob("libs/kafka_2.*.jar")):
        raise UsageError(
            f"There is no Apache Kafka in {folder}.", "Name the unpacked folder, the one with bin, config and libs."
        )
    return os.pathsep.join(str(jar.resolve()) for jar in sorted(folder.glob("libs/*.jar")))


async def resolve_classpath(cache_dir: Path | None = None, *, version: str = KAFKA_VERSION) -> str:
    """Return the class path of Apache Kafka and its tools, resolved by Maven once and then remembered."""
    if not _VERSION.fullmatch(version):
        raise UsageError(f"Not a version of Apache Kafka: {version!r}.", f"Write it like {KAFKA_VERSION}.")
    folder = cache_dir or platformdirs.user_cache_path("kcon")
    work = folder / f"apache-kafka-{version}"
    remembered = work / "classpath"
    known = _remembered_classpath(remembered)
    if known is not None:
        return known
    if shutil.which("mvn") is None:
        raise KconError(
            "Apache Kafka is fetched by Maven, and there is no 'mvn' on the PATH.",
            "Install Maven, or name an unpacked Apache Kafka with --kafka-dir.",
        )
    work.mkdir(parents=True, exist_ok=True)
    pom = work / "pom.xml"
    pom.write_text(_POM.format(kafka=version, scala=SCALA_VERSION, slf4j=SLF4J_VERSION))
    fresh = work / f"classpath.{os.getpid()}"
    # fmt: off
    argv = ["mvn", "--quiet", "--batch-mode", "--file", str(pom), "dependency:build-classpath",
            f"-Dmdep.outputFile={fresh}", "-Dmdep.includeScope=runtime"]
    # fmt: on
    status, output = await run_quietly(argv, RESOLVE_TIMEOUT_S)
    if status != 0 or not fresh.is_file():
        raise KconError(
            f"Maven could not resolve Apache Kafka {version}: {last_line(output)}",
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


async def run_quietly(argv: Sequence[str], timeout_s: float) -> tuple[int, bytes]:
    """Run a program to its end; return its status and what it wrote. UnreachableError on the deadline."""
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


def last_line(output: bytes) -> str:
    """Return the line that says most: of a Java stack trace its last cause, else the last one."""
    from kcon.core.wire_text import display_safe

    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    causes = [line for line in lines if not line.startswith(("at ", "...")) and _CAUSE.search(line)]
    found = (causes or lines)[-1:]
    return display_safe(found[0]) if found else "(no output)"


def _remembered_classpath(path: Path) -> str | None:
    """Return what `path` remembers, unless Maven's repository was emptied since."""
    if not path.is_file():
        return None
    classpath = path.read_text()
    return classpath if all(os.path.exists(jar) for jar in classpath.split(os.pathsep)) else None
