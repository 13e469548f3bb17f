"""Where secrets are found, and that no failure shows what was found there."""

import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from kcon.contexts.secret import Secret
from kcon.contexts.secrets import SECRET_BYTES_MAX, Secrets, exposed_files
from kcon.contexts.security import Security
from kcon.contexts.tokens import Token, parse_token
from kcon.errors import AuthError, KconError, UsageError

CANARY = "canary-4711"


def scram(**settings: Any) -> Security:
    return Security(protocol="SASL_SSL", mechanism="SCRAM-SHA-512", username="ann", **settings)


def bearer(**settings: Any) -> Security:
    return Security(protocol="SASL_SSL", mechanism="OAUTHBEARER", **settings)


def test_environment_file_and_command(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{CANARY}\nthe second line is a note\n")
    variables = {"SECRET": CANARY, "PATH": "/usr/bin:/bin"}
    for security in (
        scram(password_env="SECRET"),
        scram(password_file=str(file)),
        scram(password_cmd=f"cat '{file}'"),
        scram(password_cmd='printf "%s\\r\\n" "$SECRET"'),
    ):
        assert Secrets("a", variables).password(security) == Secret(CANARY)


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "p").write_text(CANARY)
    assert Secrets("a", {}).password(scram(password_file="~/p")).reveal() == CANARY


def test_a_secret_is_read_once(tmp_path: Path) -> None:
    """A command may ask for a touch of a key: each connection asking again would be unbearable."""
    count = tmp_path / "count"
    secrets = Secrets("a", {"PATH": "/usr/bin:/bin"})
    security = scram(password_cmd=f"echo x >> '{count}'; echo secret")
    threads = [threading.Thread(target=secrets.password, args=(security,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count.read_text() == "x\n"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "There is no password for ann"),
        ({"password_env": "MISSING"}, "MISSING is not set"),
        ({"password_env": "EMPTY"}, "is empty"),
        ({"password_file": "/does/not/exist"}, "Cannot read password_file"),
        ({"password_cmd": f"echo {CANARY}; echo {CANARY} >&2; exit 3"}, "password_cmd failed with exit code 3"),
        ({"password_cmd": f"printf '{CANARY}\\377'"}, "did not give UTF-8"),
        ({"password_cmd": "head -c 70000 /dev/zero"}, f"more than {SECRET_BYTES_MAX}"),
    ],
)
def test_each_failure_has_a_sentence_and_shows_nothing(settings: dict[str, str], words: str) -> None:
    secrets = Secrets("a", {"PATH": "/usr/bin:/bin", "EMPTY": ""})
    with pytest.raises(AuthError) as caught:
        secrets.password(scram(**settings))
    error: BaseException | None = caught.value
    assert words in caught.value.message
    assert caught.value.hint
    while error is not None:
        assert CANARY not in f"{error!r} {error} {vars(error)}"
        error = None if error.__suppress_context__ else error.__context__


def test_the_standard_input_is_not_given_to_a_command() -> None:
    """`produce` reads its records there."""
    secrets = Secrets("a", {"PATH": "/usr/bin:/bin"})
    with pytest.raises(AuthError, match="is empty"):
        secrets.password(scram(password_cmd="cat"))


def test_what_has_no_place_is_asked_once_and_only_that() -> None:
    questions: list[str] = []

    def ask(question: str) -> Secret:
        questions.append(question)
        return Secret(CANARY)

    secrets = Secrets("prod", {})
    secrets.ask_missing(scram(), ask)
    assert (len(questions), secrets.password(scram()).reveal()) == (1, CANARY)
    assert "ann" in questions[0]
    assert "prod" in questions[0]
    for security in (scram(password_env="X"), scram(keyring=True), Security(), bearer(token_file="t")):
        Secrets("prod", {}).ask_missing(security, ask)
    assert len(questions) == 1


@pytest.mark.parametrize(
    ("content", "asks"), [("-----BEGIN ENCRYPTED PRIVATE KEY-----", 1), ("-----BEGIN KEY-----", 0)]
)
def test_a_locked_key_is_asked_for(tmp_path: Path, content: str, asks: int) -> None:
    key = tmp_path / "key.pem"
    key.write_text(content)
    questions: list[str] = []

    def ask(question: str) -> Secret:
        questions.append(question)
        return Secret("x")

    security = Security(protocol="SSL", cert="c.pem", key=str(key))
    secrets = Secrets("a", {})
    secrets.ask_missing(security, ask)
    assert len(questions) == asks
    assert (secrets.key_password(security) is not None) is bool(asks)


# --- keyring --------------------------------------------------------------------------------------------------


def test_the_keyring_is_asked_by_context_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {("kcon/prod", "ann"): CANARY}
    keyring: Any = ModuleType("keyring")
    keyring.errors = SimpleNamespace(KeyringError=OSError)
    keyring.get_password = lambda service, user: known.get((service, user))
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert Secrets("prod", {}).password(scram(keyring=True)).reveal() == CANARY
    with pytest.raises(AuthError, match="kcon/dev") as caught:
        Secrets("dev", {}).password(scram(keyring=True))
    assert "keyring set kcon/dev ann" in caught.value.hint


def test_a_missing_keyring_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(UsageError) as caught:
        Secrets("prod", {}).password(scram(keyring=True))
    assert "kcon[keyring]" in caught.value.hint


# --- tokens ---------------------------------------------------------------------------------------------------


def token_until(expires_ms: int, refresh_ms: int, text: str = "t") -> Token:
    return Token(value=Secret(text), principal="", expires_ms=expires_ms, refresh_ms=refresh_ms)


FAR_MS = 1 << 50


def test_a_token_is_kept_until_it_is_to_be_refreshed() -> None:
    tokens = [token_until(FAR_MS, 0, "first"), token_until(FAR_MS, FAR_MS, "second")]
    secrets = Secrets("a", {"S": "client-secret"})
    secrets.fetch_token = lambda _security, secret: tokens.pop(0) if secret.reveal() == "client-secret" else tokens[5]
    security = bearer(token_url="https://idp/token", client_id="kcon", password_env="S")
    assert [secrets.token(security).value.reveal() for _ in range(3)] == ["first", "second", "second"]


def test_a_failing_refresh_uses_the_old_token_until_its_end() -> None:
    def fail(_security: Security, _secret: Secret) -> Token:
        raise AuthError("the endpoint is away")

    secrets = Secrets("a", {"S": "x"})
    security = bearer(token_url="https://idp/token", client_id="kcon", password_env="S")
    secrets.fetch_token = lambda _security, _secret: token_until(FAR_MS, 0, "old")
    assert secrets.token(security).value.reveal() == "old"
    secrets.fetch_token = fail
    assert secrets.token(security).value.reveal() == "old"
    expired = Secrets("a", {"S": "x"})
    expired.fetch_token = lambda _security, _secret: token_until(1, 0)
    expired.token(security)
    expired.fetch_token = fail
    with pytest.raises(AuthError, match="away"):
        expired.token(security)


def test_a_token_file_may_hold_a_json_answer(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text('{"access_token": "abc",\n "expires_in": 60}\n')
    assert Secrets("a", {}).token(bearer(token_file=str(file))).value.reveal() == "abc"


@pytest.mark.parametrize("text", ["", "two words", "\x1b[0m", '{"error": "canary-4711"}', '{"access_token": 1}', "{"])
def test_what_is_no_token_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(KconError) as caught:
        parse_token(text, 0)
    assert CANARY not in f"{caught.value.message}{caught.value.hint}"
    assert caught.value.__cause__ is None


# --- permissions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_file_open_to_others_is_named(tmp_path: Path, mode: int, warned: bool) -> None:
    file = tmp_path / "password"
    file.write_text(CANARY)
    file.chmod(mode)
    sentences = exposed_files(scram(password_file=str(file)))
    assert bool(sentences) is warned
    assert all(str(file) in sentence and "chmod 600" in sentence for sentence in sentences)
    assert exposed_files(scram(password_file=str(tmp_path / "missing"))) == []
