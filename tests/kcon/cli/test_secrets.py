"""What a person is told and asked about secrets, and that no command ever shows one (a canary looks for leaks)."""

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kcon.cli.environment import Environment
from kcon.cli.run import run
from tests.every_command import CHANGES, READS, READS_RECORDS

CANARY = "canary-4711"
NOWHERE = "127.0.0.1:1"
WAIT_S = 30.0

SCRAM = '[context.prod.security]\nprotocol = "SASL_SSL"\nmechanism = "SCRAM-SHA-512"\nusername = "ann"\n'


class Machine:
    """A user's folders and environment; runs commands in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = {
            "KCON_CONFIG_DIR": str(folder),
            "KCON_STATE_DIR": str(folder / "state"),
            "PATH": os.environ["PATH"],
            "KCON_TRACEBACK": "1",
        }
        (folder / ".git").mkdir()

    def configure(self, security: str, bootstrap: str = NOWHERE) -> None:
        (self.folder / "config.toml").write_text(f'[context.prod]\nbootstrap = "{bootstrap}"\n{security}')

    def run(self, *words: str, stdin: bytes = b"") -> tuple[int, str]:
        """Run a command; return its exit code, and all that it wrote."""
        out = io.BytesIO()
        environment = Environment(
            stdin=io.BytesIO(stdin), stdout=out, stderr=out, variables=self.variables, folder=self.folder
        )
        return run(words, environment), out.getvalue().decode()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# --- warnings -------------------------------------------------------------------------------------------------


def test_insecure_is_said_loudly_and_once(machine: Machine) -> None:
    machine.configure('[context.prod.security]\nprotocol = "SSL"\ninsecure = true\n')
    _, text = machine.run("topic", "list")
    assert text.count("WARNING") == text.count("insecure = true") == 1


def test_a_password_file_open_to_others_is_said(machine: Machine) -> None:
    file = machine.folder / "password"
    file.write_text(CANARY)
    file.chmod(0o644)
    machine.configure(f'{SCRAM}password_file = "{file}"\n')
    _, text = machine.run("topic", "list")
    assert "WARNING" in text
    assert f"chmod 600 {file}" in text
    assert CANARY not in text
    file.chmod(0o600)
    assert "WARNING" not in machine.run("topic", "list")[1]


@pytest.mark.parametrize(("bootstrap", "warned"), [("192.0.2.1:1", True), (NOWHERE, False), ("localhost:1", False)])
def test_a_password_in_clear_is_said_where_others_can_listen(machine: Machine, bootstrap: str, warned: bool) -> None:
    security = SCRAM.replace("SASL_SSL", "SASL_PLAINTEXT").replace("SCRAM-SHA-512", "PLAIN")
    machine.configure(f"{security}password_env = 'NOT_SET'\n", bootstrap)
    code, text = machine.run("topic", "list")
    assert code == 4
    assert ("in clear" in text) is warned


def test_plain_text_contexts_are_quiet(machine: Machine) -> None:
    machine.configure("")
    assert "WARNING" not in machine.run("topic", "list")[1]


# --- the canary -----------------------------------------------------------------------------------------------

EVERY = (
    *((*path.split(), *words) for path, words in (READS | READS_RECORDS).items()),
    *((*path.split(), *several[0]) for path, (_api, several) in CHANGES.items()),
)
COMMANDS = (
    ("topic", "list"),
    ("topic", "delete", "orders", "-y"),
    ("consume", "orders", "-e"),
    ("context", "show", "--sources"),
    ("context", "show", "-o", "json"),
    ("context", "list", "-o", "json"),
    ("context", "test"),
    ("context", "test", "-o", "json"),
    ("config", "doctor", "-o", "json"),
    ("audit", "-o", "json"),
    ("topic", "list", "-o", "json"),
    ("group", "undo", "--list"),
    ("consume", "orders", "-g", "g"),
    ("topic", "list", "--no-such-option"),
    ("topic", "list", "-X", f"sasl.password={CANARY}"),
    ("topic", "list", "-X", f"security.password={CANARY}"),
    ("topic", "list", "-X", f"ssl.key.password={CANARY}"),
)

PLACES = {
    "variable": "",
    "file": 'password_file = "{folder}/secret"\n',
    "command": 'password_cmd = "cat {folder}/secret"\n',
    "failing command": 'password_cmd = "cat {folder}/secret; cat {folder}/secret >&2; exit 1"\n',
}


@pytest.mark.parametrize(
    ("place", "words"),
    [*((place, words) for place in PLACES for words in COMMANDS), *(("file", words) for words in EVERY)],
    ids=lambda each: each if isinstance(each, str) else " ".join(each[:3]),
)
def test_no_command_shows_a_secret(machine: Machine, place: str, words: tuple[str, ...]) -> None:
    secret = machine.folder / "secret"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    machine.configure(SCRAM + PLACES[place].format(folder=machine.folder))
    if place == "variable":
        machine.variables["KCON_SECURITY_PASSWORD"] = CANARY
    code, text = machine.run("--timeout", "2s", *words, stdin=b"a\n")
    assert CANARY not in text
    assert "Traceback" not in text, text
    assert code in {0, 2, 3, 4}, text
    kept = [path for path in machine.folder.rglob("*") if path.is_file() and path != secret]
    assert not any(CANARY in path.read_text(errors="replace") for path in kept)


def test_a_secret_on_the_command_line_is_a_usage_error(machine: Machine) -> None:
    machine.configure("")
    for key in ("sasl.password", "security.password", "security.token", "ssl.key.pem", "sasl.jaas.config"):
        code, text = machine.run("topic", "list", "-X", f"{key}={CANARY}")
        assert (code, CANARY in text) == (2, False), key
        assert "a command line is readable by others" in text


# --- contexts -------------------------------------------------------------------------------------------------


def test_a_context_is_added_with_its_security_and_shown_without_secrets(machine: Machine) -> None:
    words = ("context", "add", "prod", "-b", NOWHERE)
    settings = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "ann",
        "security.password_cmd": "pass show kafka/prod",
        "enable.ssl.certificate.verification": "false",
        "linger.ms": "7",
    }
    options = [word for key, value in settings.items() for word in ("-X", f"{key}={value}")]
    assert machine.run(*words, *options)[0] == 0
    text = (machine.folder / "config.toml").read_text()
    assert "[context.prod.security]" in text
    assert "insecure = true" in text
    shown = machine.run("context", "show", "-o", "tsv")[1]
    assert "security.password_cmd\tpass show kafka/prod" in shown
    assert "security.insecure\ttrue" in shown
    assert "client.linger.ms\t7" in shown


def test_a_context_whose_security_does_not_fit_is_not_added(machine: Machine) -> None:
    code, text = machine.run("context", "add", "prod", "-b", NOWHERE, "-X", "sasl.username=ann")
    assert code == 2
    assert "username has no effect with PLAINTEXT" in text
    assert not (machine.folder / "config.toml").exists()


# --- the question ---------------------------------------------------------------------------------------------


class Terminal:
    """`kcon` on a pseudo-terminal."""

    def __init__(self, machine: Machine, *words: str) -> None:
        self.controller, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kcon", *words],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**os.environ, **machine.variables},
            cwd=machine.folder,
            start_new_session=True,
            # Whoever started the tests in the background had them ignore ctrl-C, which is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # No other thread forks.
        )
        os.close(terminal)
        self.text = ""

    def read_until(self, text: str | None) -> None:
        """Read until the text appears; None: to the end."""
        deadline_s = time.monotonic() + WAIT_S
        while text is None or text not in self.text:
            assert time.monotonic() < deadline_s, self.text
            if not select.select([self.controller], [], [], 0.5)[0]:
                continue
            try:
                part = os.read(self.controller, 4096)
            except OSError:  # The other side is closed.
                part = b""
            if not part:
                assert text is None, self.text
                return
            self.text += part.decode()

    def close(self) -> int:
        self.read_until(None)
        os.close(self.controller)
        return self.process.wait(WAIT_S)


def test_a_password_is_asked_for_without_echo(machine: Machine) -> None:
    machine.configure(SCRAM)
    terminal = Terminal(machine, "topic", "list")
    terminal.read_until("Password of ann for prod: ")
    os.write(terminal.controller, f"{CANARY}\n".encode())
    assert terminal.close() == 3
    assert "refused the connection" in terminal.text
    assert CANARY not in terminal.text
    assert terminal.text.count("Password of") == 1


def test_ctrl_c_ends_the_question(machine: Machine) -> None:
    machine.configure(SCRAM)
    terminal = Terminal(machine, "topic", "list")
    terminal.read_until("Password of ann")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.close() == 130
