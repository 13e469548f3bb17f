"""`kcon demo --headless` and `kcon serve-broker`, as a user runs them."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

WAIT_S = 60


def test_a_headless_demo_reports_and_leaves_nothing(kcon: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ran = kcon("demo", "--headless", "--seconds", "1", "-o", "json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["kind"] == "DemoReport"
    (report,) = told["items"]
    assert report["ok"]
    assert {topic["topic"] for topic in report["topics"]} >= {"flights", "weather"}
    assert not list(tmp_path.glob("kcon-demo-*"))


def test_a_broker_in_the_foreground_serves_and_stops_cleanly(kcon: Any, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "kcon", "serve-broker", "--port", "0", "--seed-topic", "orders:2"]
    argv += ["--data-dir", str(tmp_path / "data")]
    broker = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert broker.stdout is not None
    try:
        ready, address = broker.stdout.readline().decode().split()[:2]
        assert ready == "ready"
        kcon.variables["KCON_BOOTSTRAP"] = address
        assert kcon.lines("topic", "list", "-o", "name") == ["orders"]
        port = address.rpartition(":")[2]
        for words, sentence in (
            (("--port", "0", "--data-dir", str(tmp_path / "data")), b"Another broker uses the data folder"),
            (("--port", port, "--data-dir", str(tmp_path / "other")), b"is in use"),
        ):
            second = subprocess.run(
                [sys.executable, "-m", "kcon", "serve-broker", *words], capture_output=True, timeout=WAIT_S, check=False
            )
            assert second.returncode == 1
            assert sentence in second.stderr
    finally:
        broker.send_signal(signal.SIGTERM)
        broker.communicate(timeout=WAIT_S)
    assert broker.returncode == 0
