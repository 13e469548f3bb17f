"""Where do other languages' clients come from? Built once a run from the small programs beside this file.

Each tells the same story against a broker (make a topic, write, read in a group, go on from the commit, a
transaction) and prints what it saw as one line of JSON.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from kcon.services.local_cluster import java_argv

HERE = Path(__file__).parent
BUILD_TIMEOUT_S = 600
STORY_TIMEOUT_S = 110

Tell: TypeAlias = Callable[..., dict[str, Any]]


@contextmanager
def built_once(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """Yield a folder that all workers of a run share, and whether it is still to be filled."""
    base = tmp_path_factory.getbasetemp()
    # The folder of a worker is in that of the run; without workers what is above is of all runs.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"client-{name}"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "done"
        folder.mkdir(exist_ok=True)
        yield folder, not done.exists()
        done.touch()


def build(*argv: str, folder: Path, **variables: str) -> None:
    done = subprocess.run(
        argv, cwd=folder, env={**os.environ, **variables}, capture_output=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2_000:]


def tell(*argv: str) -> dict[str, Any]:
    """Run a story; return what it saw."""
    done = subprocess.run(argv, capture_output=True, timeout=STORY_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    told: dict[str, Any] = json.loads(done.stdout.decode().splitlines()[-1])
    return told


def python_story(*words: str) -> dict[str, Any]:
    """Run a story of a Python client, in a process of its own: other people's warnings are not ours."""
    return tell(sys.executable, str(HERE / "python" / "story.py"), *words)


@pytest.fixture(scope="session")
def java_story(apache_classpath: str, tmp_path_factory: pytest.TempPathFactory) -> Tell:
    """Return a function that runs a story of Apache Kafka's Java clients."""
    with built_once(tmp_path_factory, "java") as (folder, is_new):
        if is_new:
            source = str(HERE / "java" / "Story.java")
            build("javac", "-d", str(folder), "-cp", apache_classpath, source, folder=folder)
    path = f"{apache_classpath}{os.pathsep}{folder}"
    return lambda *words: tell(*java_argv(path, "Story", *words, jvm_options=("-XX:TieredStopAtLevel=1",)))


@pytest.fixture(scope="session")
def go_story(tmp_path_factory: pytest.TempPathFactory) -> Tell:
    """Return a function that runs a story of a Go client."""
    with built_once(tmp_path_factory, "go") as (folder, is_new):
        if is_new:
            build("go", "build", "-o", str(folder / "story"), ".", folder=HERE / "go", GOFLAGS="-mod=readonly")
    return lambda *words: tell(str(folder / "story"), *words)


@pytest.fixture(scope="session")
def node_story(tmp_path_factory: pytest.TempPathFactory) -> Tell:
    """Return a function that runs a story of kafkajs."""
    with built_once(tmp_path_factory, "node") as (folder, is_new):
        if is_new:
            for name in ("package.json", "package-lock.json", "story.js"):
                shutil.copy(HERE / "node" / name, folder)
            build("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", folder=folder)
    return lambda *words: tell("node", str(folder / "story.js"), *words)
