"""A real Prometheus reads what kcon serves, evaluates its rules, and answers every query of its dashboards.

And a real Alertmanager takes what the daemon tells it, where there is one.
"""

import contextlib
import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka import TopicPartition as Place

from kcon.services.dashboard_boards import BOARDS, JOB
from tests.commits import commit_offsets
from tests.kcon.cli.shell import Shell

pytestmark = pytest.mark.prometheus

WAIT_S = 90.0
LATE_MS = 3_600_000

CONFIG = """
global: {{scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: kcon
    static_configs: [{{targets: ["{target}"]}}]
"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    end = time.monotonic() + WAIT_S
    while True:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            if found := look():
                return found
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.1)


@contextlib.contextmanager
def running(*words: str) -> Iterator[None]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait(30)


@pytest.fixture
def late(kcon_broker: Any, tmp_path: Path, unique: Callable[[str], str]) -> tuple[Shell, str]:
    """Return a shell, and the name of a topic and of a group that is an hour late in it and has no members."""
    name = unique("prometheus")
    producer = Producer({"bootstrap.servers": kcon_broker.bootstrap})
    for _ in range(10):
        producer.produce(name, b"x", partition=0, timestamp=round(time.time() * 1000) - LATE_MS)
    assert producer.flush(30) == 0
    commit_offsets({"bootstrap.servers": kcon_broker.bootstrap}, name, [Place(name, 0, 3)])
    return Shell(kcon_broker.bootstrap, tmp_path), name


@contextlib.contextmanager
def serving(shell: Shell) -> Iterator[str]:
    """Serve metrics; yields the address."""
    process = shell.start("metrics", "--listen", "127.0.0.1:0", "--interval", "200ms")
    try:
        assert process.stderr is not None
        found = re.search(r"http://([0-9.:]+)/metrics", process.stderr.readline().decode())
        assert found is not None
        yield found[1]
    finally:
        process.kill()
        process.communicate()


def test_promtool_accepts_the_rules(kcon: Any, tmp_path: Path) -> None:
    rules = tmp_path / "kcon.rules.yml"
    rules.write_text(kcon("alerts", "export").out)
    words = ["promtool", "check", "rules", str(rules)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_promtool_finds_nothing_wrong_with_the_metrics(late: tuple[Shell, str]) -> None:
    text = late[0]("metrics", "--once").out
    ran = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)
    # Names of other exporters are as they are; nothing may be said of ours.
    said = [line for line in (ran.stdout + ran.stderr).decode().splitlines() if line.startswith(("kcon_", "error"))]
    assert said == []


def test_a_staged_lag_fires_in_a_prometheus_and_every_query_of_the_dashboards_is_answered(
    late: tuple[Shell, str], tmp_path: Path
) -> None:
    shell, name = late
    rules = tmp_path / "kcon.rules.yml"
    # The waits of the rules are minutes; that they are kept is Prometheus's own affair.
    rules.write_text(re.sub(r'for: "[0-9]+s"', 'for: "1s"', shell("alerts", "export").out.decode()))
    port = free_port()
    with serving(shell) as target:
        config = tmp_path / "prometheus.yml"
        config.write_text(CONFIG.format(rules=rules, target=target))
        words = (
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        )
        with running("prometheus", *words):
            url = f"http://127.0.0.1:{port}/api/v1"

            def fires() -> set[str]:
                alerts = asked(f"{url}/alerts")["data"]["alerts"]
                firing = {
                    each["labels"]["alertname"]
                    for each in alerts
                    if each["state"] == "firing" and each["labels"].get("group") == name
                }
                return firing if {"KafkaGroupLate", "KafkaGroupWithoutMembers"} <= firing else set()

            assert wait_for("the alert", fires) == {"KafkaGroupLate", "KafkaGroupWithoutMembers"}
            unhealthy = [
                (rule["name"], rule.get("lastError"))
                for group in asked(f"{url}/rules")["data"]["groups"]
                for rule in group["rules"]
                if rule["health"] != "ok"
            ]
            assert unhealthy == []
            for board in BOARDS.values():
                for panel in board.panels:
                    for query in panel.queries:
                        expression = query.expression.replace(JOB, 'job=~".*"')
                        told = asked(f"{url}/query?{urllib.parse.urlencode({'query': expression})}")
                        assert told["status"] == "success", expression
            stale = f"{url}/query?{urllib.parse.urlencode({'query': 'kafka_consumergroup_group_max_lag_seconds'})}"
            mine = [each for each in asked(stale)["data"]["result"] if each["metric"]["group"] == name]
            (late_s,) = [float(each["value"][1]) for each in mine]
            assert abs(late_s - LATE_MS / 1000) < 120


def test_an_alertmanager_takes_what_the_daemon_tells(late: tuple[Shell, str], tmp_path: Path) -> None:
    shell, name = late
    port = free_port()
    (tmp_path / "am.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    config = tmp_path / "alerts.toml"
    config.write_text(
        '[rule.KafkaGroupLate]\nfor = "0s"\nresolve_after = "0s"\n'
        f'[sink.am]\nkind = "alertmanager"\nurl = "http://127.0.0.1:{port}"\nrules = ["KafkaGroupLate"]\n'
    )
    words = (
        f"--config.file={tmp_path / 'am.yml'}",
        f"--storage.path={tmp_path / 'am'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    )
    daemon = shell.start("daemon", "--no-listen", "--interval", "200ms", "--config", str(config))
    try:
        with running("prometheus-alertmanager", *words):
            url = f"http://127.0.0.1:{port}/api/v2/alerts"

            def there() -> list[dict[str, Any]]:
                return [each for each in asked(url) if each["labels"].get("group") == name]

            (alert,) = wait_for("the alert", there)
            assert alert["labels"]["alertname"] == "KafkaGroupLate"
            assert alert["labels"]["severity"] == "warn"
            assert f"Group {name} is" in alert["annotations"]["summary"]
            commit_offsets({"bootstrap.servers": shell.variables["KCON_BOOTSTRAP"]}, name, [Place(name, 0, 10)])
            assert wait_for("the end", lambda: not there())
    finally:
        daemon.kill()
        daemon.communicate()
