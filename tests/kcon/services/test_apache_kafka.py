"""Finding Apache Kafka and Java."""

import asyncio
import os
from pathlib import Path

import pytest

from kcon.errors import KconError, UsageError
from kcon.services.apache_kafka import (
    KAFKA_VERSION,
    check_java,
    classpath_of_folder,
    java_argv,
    last_line,
    resolve_classpath,
)


def _program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.java
def test_the_class_path_names_the_version_and_is_remembered(tmp_path: Path, apache_classpath: str) -> None:
    """A second call must not start Maven: it takes seconds."""
    assert f"kafka-clients-{KAFKA_VERSION}.jar" in apache_classpath
    work = tmp_path / f"apache-kafka-{KAFKA_VERSION}"
    work.mkdir()
    remembered = os.pathsep.join([str(tmp_path), "/"])
    (work / "classpath").write_text(remembered)
    assert asyncio.run(resolve_classpath(tmp_path)) == remembered


@pytest.mark.parametrize("version", ["4", "4.x", "../4.3.0", ""])
def test_a_version_that_is_none_never_reaches_maven(tmp_path: Path, version: str) -> None:
    with pytest.raises(UsageError, match="Not a version"):
        asyncio.run(resolve_classpath(tmp_path, version=version))
    assert not list(tmp_path.iterdir())


def test_without_maven_the_folder_is_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KconError, match="no 'mvn'") as caught:
        asyncio.run(resolve_classpath(tmp_path / "cache"))
    assert "--kafka-dir" in caught.value.hint


def test_mavens_last_words_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, "mvn", "echo '[ERROR] Could not resolve host'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(KconError, match="Could not resolve host"):
        asyncio.run(resolve_classpath(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ('openjdk version "1.8.0_402"', "'java' is 8"),
        ('openjdk version "16.0.2" 2021-07-20', "'java' is 16"),
        ('openjdk version "17.0.15" 2025-04-15', None),
        ('java version "24" 2025-03-18', None),
        ("no such thing", "failed: no such thing"),
    ],
)
def test_java_must_be_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, problem: str | None
) -> None:
    _program(tmp_path, "java", f"echo '{told}' >&2")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    if problem is None:
        asyncio.run(check_java())
        return
    with pytest.raises(KconError, match=problem):
        asyncio.run(check_java())


def test_a_machine_without_java_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KconError, match="needs Java"):
        asyncio.run(check_java())


def test_a_folder_gives_the_class_path_if_kafka_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Apache Kafka"):
        classpath_of_folder(tmp_path)
    (tmp_path / "libs").mkdir()
    names = ["kafka-clients-4.3.0.jar", "kafka_2.13-4.3.0.jar", "other.jar"]
    for name in names:
        (tmp_path / "libs" / name).touch()
    assert [Path(path).name for path in classpath_of_folder(tmp_path).split(os.pathsep)] == names


def test_the_programs_are_quiet_by_default() -> None:
    assert "-Dorg.slf4j.simpleLogger.defaultLogLevel=error" in java_argv("cp", "Main")


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (b"", "(no output)"),
        (b"one\ntwo\n", "two"),
        (b"Exception in thread\n\tat a.b\nCaused by: x.BindException: in use\n\t... 3 more\n", "BindException"),
        (b"bad \x1b[31m\n", "bad"),
    ],
)
def test_the_line_that_says_most_is_told_safely(output: bytes, line: str) -> None:
    told = last_line(output)
    assert line in told
    assert "\x1b" not in told
