"""Where does a context's secret come from? Environment, file, command, keyring, token endpoint, or a person asked.

Each is read when it is first needed and kept for the process. Reading may block: a command may ask for a
passphrase, so an event loop calls from a thread. Errors say where a secret was looked for, never what was found.
"""

import os
import stat
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kcon.contexts.secret import Secret
from kcon.contexts.security import (
    AWS_MSK_IAM,
    CA_PASSWORD_PLACES,
    KEY_PASSWORD_PLACES,
    PASSWORD_PLACES,
    Security,
)
from kcon.errors import AuthError, UsageError

if TYPE_CHECKING:
    from kcon.contexts.tokens import Token

COMMAND_TIMEOUT_S: Final = 60.0
"""A command may wait for a person to touch a key; longer than that nobody does."""
SECRET_BYTES_MAX: Final = 64 * 1024

Ask = Callable[[str], Secret]
"""Asks the person at the terminal, without echo. Blocks."""
FetchToken = Callable[[Security, Secret], "Token"]
"""The client-credentials flow: the settings and the client's secret to a token. Blocks."""
SignToken = Callable[[Security], "Token"]
"""Makes a token of the credentials of a cloud. Blocks."""


class Secrets:
    """The secrets of one context, found when needed. Any thread."""

    def __init__(
        self,
        context: str = "(none)",
        variables: Mapping[str, str] | None = None,
        imported: Mapping[str, Secret] | None = None,
    ) -> None:
        """Keep where to look. imported: `password`, `key_password`, `ca_password`, for want of a place of our own."""
        self.fetch_token: FetchToken | None = None
        """Set by whoever may speak HTTP."""
        self.sign_token: SignToken | None = None
        """Set by whoever may sign for AWS_MSK_IAM."""
        self.unprepared = False
        """The broker knows name and password as they were typed, not as SASLprep changes them."""
        self._context = context
        self._variables = os.environ if variables is None else variables
        self._imported = dict(imported or {})
        self._lock = threading.RLock()
        self._found: dict[str, Secret] = {}
        self._token: Token | None = None

    def password(self, security: Security) -> Secret:
        """Return the password, or the client's secret. AuthError or UsageError says why there is none."""
        with self._lock:
            if "password" not in self._found:
                self._found["password"] = self._read_password(security)
            return self._found["password"]

    def key_password(self, security: Security) -> Secret | None:
        """Return the password of the client's key; None when the settings name none and nobody was asked."""
        return self._optional("key_password", security)

    def ca_password(self, security: Security) -> Secret | None:
        """Return the password of the trust store; None when the settings name none and nobody was asked."""
        return self._optional("ca_password", security)

    def _optional(self, name: str, security: Security) -> Secret | None:
        with self._lock:
            if name not in self._found:
                secret = self._read(name, security)
                if secret is None:
                    return None
                self._found[name] = secret
            return self._found[name]

    def ask_missing(self, security: Security, ask: Ask) -> None:
        """Ask a person for what no setting says where to find. Before a connection is tried, and never again."""
        with self._lock:
            if security.uses_password and not self._has_place("password", security, PASSWORD_PLACES):
                self._found["password"] = ask(f"Password of {security.principal} for {self._context}: ")
            key = security.keystore or security.key or security.cert
            if (
                key is not None
                and _is_locked(key)
                and not self._has_place("key_password", security, KEY_PASSWORD_PLACES)
            ):
                self._found["key_password"] = ask(f"Password of the key in {key}: ")
            store = security.ca
            if (
                store is not None
                and _is_pkcs12(store)
                and not self._has_place("ca_password", security, CA_PASSWORD_PLACES)
            ):
                self._found["ca_password"] = ask(f"Password of the trust store {store}: ")

    def _has_place(self, name: str, security: Security, places: tuple[str, ...]) -> bool:
        return name in self._imported or any(getattr(security, place) for place in places)

    def known_key_password(self) -> Secret | None:
        """Return the password that opened the client's key; None when it needed none."""
        with self._lock:
            return self._found.get("key_password")

    def token(self, security: Security) -> "Token":
        """Return a bearer token with at least a fifth of its life left, unless none such can be had."""
        with self._lock:
            now_ms = time.time_ns() // 1_000_000
            if self._token is None or now_ms >= self._token.refresh_ms:
                try:
                    self._token = self._read_token(security, now_ms)
                except AuthError:
                    # The old one is good until its end; a short failure of the endpoint need not stop us.
                    if self._token is None or now_ms >= self._token.expires_ms:
                        raise
            return self._token

    def _read_password(self, security: Security) -> Secret:
        secret = self._read("password", security)
        if secret is None and security.keyring:
            secret = self._from_keyring(security)
        if secret is None:
            raise AuthError(
                f"There is no password for {security.principal}.",
                "Set KCON_SECURITY_PASSWORD, or password_file, password_cmd or keyring in the context's security.",
            )
        if not secret:
            raise AuthError(f"The password for {security.principal} is empty.", "Check where it is kept.")
        return secret

    def _read_token(self, security: Security, now_ms: int) -> "Token":
        if security.mechanism == AWS_MSK_IAM:
            if self.sign_token is None:
                raise AuthError(f"{AWS_MSK_IAM} needs somebody who signs.", "Give Secrets.sign_token one.")
            return self.sign_token(security)
        if security.token_url is not None:
            if self.fetch_token is None:
                raise AuthError("A token from token_url needs an HTTP client.", "Give Secrets.fetch_token one.")
            return self.fetch_token(security, self.password(security))
        from kcon.contexts.tokens import parse_token

        secret = self._read("token", security)
        assert secret is not None, "Security.check wants a place for the token"
        return parse_token(secret.reveal(), now_ms)

    def _read(self, name: str, security: Security) -> Secret | None:
        """Read from the variable, the file or the command that the settings name."""
        variable = getattr(security, f"{name}_env")
        if variable is not None:
            if variable not in self._variables:
                raise AuthError(f"The environment variable {variable} is not set.", f"It is to hold the {name}.")
            return Secret(self._variables[variable])
        file = getattr(security, f"{name}_file")
        if file is not None:
            return _from_file(name, Path(file).expanduser(), whole=name == "token")
        command = getattr(security, f"{name}_cmd")
        if command is not None:
            return _from_command(name, command, self._variables, whole=name == "token")
        if name == "password" and security.keyring:
            return None
        return self._imported.get(name)

    def _from_keyring(self, security: Security) -> Secret:
        try:
            keyring: Any = import_module("keyring")  # An extra: it need not be there for the types.
        except ImportError as error:
            raise UsageError(
                "keyring = true needs the keyring package.", "Install kcon[keyring], or use password_cmd."
            ) from error
        service, user = f"kcon/{self._context}", security.username or security.client_id or ""
        try:
            found = keyring.get_password(service, user)
        except keyring.errors.KeyringError as error:
            raise AuthError(
                f"The keyring cannot be read ({type(error).__name__}).", "Unlock it, or use password_cmd."
            ) from error
        if found is None:
            raise AuthError(
                f"The keyring has no password for {user} in {service}.", f"Put it there: keyring set {service} {user}"
            )
        return Secret(found)


def read_secret(name: str, places: Mapping[str, str], variables: Mapping[str, str]) -> Secret | None:
    """Read a secret from where NAME_env, NAME_file or NAME_cmd of `places` says; None when none of them is there.

    Blocks. AuthError says where it was looked for.
    """
    if f"{name}_env" in places:
        variable = places[f"{name}_env"]
        if variable not in variables:
            raise AuthError(f"The environment variable {variable} is not set.", f"It is to hold the {name}.")
        return Secret(variables[variable])
    if f"{name}_file" in places:
        return _from_file(name, Path(places[f"{name}_file"]).expanduser(), whole=False)
    if f"{name}_cmd" in places:
        return _from_command(name, places[f"{name}_cmd"], variables, whole=False)
    return None


def _is_pkcs12(path: str) -> bool:
    from kcon.contexts.jks import MAGIC
    from kcon.contexts.keystores import is_keystore

    if not is_keystore(path):
        return False
    with Path(path).expanduser().open("rb") as file:
        return file.read(len(MAGIC)) != MAGIC


def _is_locked(path: str) -> bool:
    """Tell whether a key file wants a password: a keystore, or PEM that says ENCRYPTED. A file not to be read: no."""
    from kcon.contexts.keystores import is_keystore

    try:
        with Path(path).expanduser().open("rb") as file:
            content = file.read(SECRET_BYTES_MAX)
    except OSError:
        return False
    return b"ENCRYPTED" in content if b"-----BEGIN" in content else is_keystore(path)


def exposed_files(security: Security) -> list[str]:
    """Return a sentence for each file with a secret that others than its owner can read."""
    sentences = []
    for name in ("password_file", "key_password_file", "ca_password_file", "token_file", "key", "keystore"):
        path = getattr(security, name)
        if path is None:
            continue
        try:
            mode = Path(path).expanduser().stat().st_mode
        except OSError:
            continue  # Who reads it says what is wrong.
        if mode & (stat.S_IRWXG | stat.S_IRWXO) and stat.S_ISREG(mode):
            sentences.append(
                f"WARNING: {path} ({name}) is open to other users (mode {mode & 0o777:o}). Close it: chmod 600 {path}"
            )
    return sentences


def _from_file(name: str, path: Path, *, whole: bool) -> Secret:
    try:
        with path.open("rb") as file:
            content = file.read(SECRET_BYTES_MAX + 1)
    except OSError as error:
        raise AuthError(f"Cannot read {name}_file {path}: {error.strerror or error}.", "Check the path.") from error
    return _text_of(content, f"{name}_file {path}", whole=whole)


def _from_command(name: str, command: str, variables: Mapping[str, str], *, whole: bool) -> Secret:
    import subprocess

    where = f"{name}_cmd"
    # Its stderr is not shown: there it may say what it was about to print. Its stdin is not ours to give away.
    try:
        ran = subprocess.run(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(variables),
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # `from None`: the exception holds what the command printed.
        raise AuthError(f"{where} was not done within {COMMAND_TIMEOUT_S:.0f} s.", "Run it by hand.") from None
    except OSError as error:
        raise AuthError(f"Cannot run {where}: {error.strerror or error}.", "It needs /bin/sh.") from error
    if ran.returncode != 0:
        raise AuthError(f"{where} failed with exit code {ran.returncode}.", "Run it by hand to see why.")
    return _text_of(ran.stdout, where, whole=whole)


def _text_of(content: bytes, where: str, *, whole: bool) -> Secret:
    if len(content) > SECRET_BYTES_MAX:
        raise AuthError(f"{where} gave more than {SECRET_BYTES_MAX} bytes.", "That is no secret.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        # `from None`: the exception holds the bytes.
        raise AuthError(f"{where} did not give UTF-8 text.", "Check its content.") from None
    return Secret(text if whole else text.partition("\n")[0].removesuffix("\r"))
