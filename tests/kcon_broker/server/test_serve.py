"""The broker as a process: what it says, how it ends, and what it refuses in one sentence."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from kcon_broker.__main__ import settings_from
from kcon_broker.settings import FlushMode, RecordValidation
from kcon_broker.wire.error_codes import ErrorCode
from tests.kcon_broker.raw_client import RawClient, batch, produce

_DEADLINE_S = 30


def arguments(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "kcon_broker", "--data-dir", str(folder), "--port", "0", *more]


@contextmanager
def running(folder: Path, *more: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run a broker; yield its process and its ready line."""
    process = subprocess.Popen(arguments(folder, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate(timeout=_DEADLINE_S)


def refused(folder: Path, *more: str) -> str:
    """Start a broker that must end at once with exit 1; return what it said on standard error."""
    result = subprocess.run(arguments(folder, *more), capture_output=True, text=True, check=False, timeout=_DEADLINE_S)
    assert (result.returncode, result.stdout) == (1, "")
    return result.stderr


def test_faults_can_be_injected_where_the_ready_line_says(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--seed-topic", "t:1", "--control", "127.0.0.1:0") as (_, line):
        _, address, _, _, control, *_ = line.split()
        body = b'{"api": "PRODUCE", "error": "NOT_LEADER_OR_FOLLOWER"}'
        where = f"http://{control.removeprefix('control=')}/faults"
        request = Request(where, body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=_DEADLINE_S) as answer:
            assert answer.status == 201
        with RawClient(address) as client:
            codes = [produce(client, "t", batch(b"x")).error_code for _ in range(2)]
        assert codes == [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NONE]


def test_a_control_endpoint_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, "--control", "0.0.0.0:0", "--insecure")
    assert said.startswith("Error: The control endpoint would let everyone on the network break the broker")


def test_one_ready_line_and_a_clean_stop(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--seed-topic", "t:2", "--flush", "interval=50") as (process, line):
        word, address, cluster, flush, *_ = line.split()
        assert (word, flush) == ("ready", "flush=interval=50")
        assert cluster.startswith("cluster=")
        assert "one copy" in line
        with RawClient(address) as client:
            assert produce(client, "t", batch(b"kept"), partition=1).error_code == ErrorCode.NONE
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=_DEADLINE_S)
        assert (process.returncode, rest, errors) == (0, "", "")
    assert (tmp_path / "data" / ".kafka_cleanshutdown").exists()
    with running(tmp_path / "data") as (_, line):
        assert line.split()[2] == cluster
        assert not (tmp_path / "data" / ".kafka_cleanshutdown").exists()


def test_second_broker_on_a_folder_is_refused(tmp_path: Path) -> None:
    with running(tmp_path):
        said = refused(tmp_path)
    assert said == f"Error: Another broker uses the data folder {tmp_path}.\n"


def test_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(tmp_path, "--port", str(port))
    assert said == f"Error: Port {port} of 127.0.0.1 is in use by another program.\n"


def test_address_of_the_network_needs_insecure(tmp_path: Path) -> None:
    assert "--insecure" in refused(tmp_path, "--host", "0.0.0.0")
    with running(tmp_path, "--host", "0.0.0.0", "--insecure") as (_, line):
        assert line.startswith("ready 0.0.0.0:")


@pytest.mark.parametrize(
    "more",
    [("--topic-default", "retention.ms=soon"), ("--seed-topic", "a/b:1"), ("--host", "no.such.host.invalid")],
)
def test_impossible_settings_are_refused(tmp_path: Path, more: tuple[str, ...]) -> None:
    said = refused(tmp_path, *more)
    assert said.startswith("Error: ")
    assert said.count("\n") == 1


def test_data_folder_without_its_meta_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    assert "meta.json" in refused(tmp_path)


def test_options_become_settings(tmp_path: Path) -> None:
    settings = settings_from(
        [
            *("--data-dir", str(tmp_path), "--flush", "os", "--advertise", "example.com:29092"),
            *("--no-auto-create", "--default-partitions", "7", "--record-validation", "header"),
            *("--topic-default", "retention.ms=5"),
        ]
    )
    assert settings.storage.flush is FlushMode.OS
    assert (settings.advertised_host, settings.advertised_port) == ("example.com", 29092)
    assert (settings.auto_create_topics, settings.default_partitions) == (False, 7)
    assert settings.record_validation is RecordValidation.HEADER
    assert settings.topic_config_defaults == (("retention.ms", "5"),)


@pytest.mark.parametrize(
    "more",
    [("--flush", "never"), ("--flush", "interval=0"), ("--flush", "os=5"), ("--port", "70000"), ("--port", "-1"),
     ("--advertise", "nowhere"), ("--seed-topic", "t"), ("--default-partitions", "0")],
)  # fmt: skip
def test_options_that_make_no_sense_exit_2(
    tmp_path: Path, more: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings_from(["--data-dir", str(tmp_path), *more])
    assert ended.value.code == 2
    assert more[0] in capsys.readouterr().err
