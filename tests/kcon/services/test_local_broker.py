"""The broker as a child process: started, stopped, never left behind, and clear when it cannot start."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kcon.errors import KconError
from kcon.services.local_broker import LocalBroker, LocalBrokerOptions, start_local_broker


def start(data_dir: Path, port: int = 0) -> LocalBroker:
    return asyncio.run(start_local_broker(LocalBrokerOptions(data_dir=data_dir, port=port)))


def test_a_clean_stop_frees_the_port_and_the_folder(tmp_path: Path) -> None:
    broker = start(tmp_path / "data")
    host, port = broker.bootstrap.split(":")
    socket.create_connection((host, int(port)), 5).close()
    assert asyncio.run(broker.stop()) == 0
    assert broker.exit_code == 0
    again = start(tmp_path / "data", int(port))
    assert again.bootstrap == broker.bootstrap
    asyncio.run(again.stop())


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(KconError, match=str(port)) as caught:
            start(tmp_path / "data", port)
    assert "Traceback" not in caught.value.message


def test_a_second_broker_on_one_folder_is_one_sentence(tmp_path: Path) -> None:
    """Two writers would destroy the data."""
    broker = start(tmp_path / "data")
    try:
        with pytest.raises(KconError, match="did not start"):
            start(tmp_path / "data")
    finally:
        asyncio.run(broker.stop())


def test_the_broker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """A demo that is killed must not leave a broker running for weeks."""
    code = (
        "import asyncio, pathlib, sys, time\n"
        "from kcon.services.local_broker import *\n"
        "broker = asyncio.run(start_local_broker(LocalBrokerOptions(data_dir=pathlib.Path(sys.argv[1]))))\n"
        "print(broker.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    argv = [sys.executable, "-c", code, str(tmp_path / "data")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        broker_pid = int(parent.stdout.readline())
        descriptor = os.pidfd_open(broker_pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    try:
        import select

        assert select.select([descriptor], [], [], 30)[0], "the broker still runs"
    finally:
        os.close(descriptor)
