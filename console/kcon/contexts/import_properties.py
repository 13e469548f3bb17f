"""What does a properties file say of a cluster? Java's client.properties, and kcat's file of librdkafka settings."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from kcon.contexts.client_keys import known_key, librdkafka_value, security_setting
from kcon.contexts.imported import Imported
from kcon.contexts.secret import Secret
from kcon.contexts.security import AWS_MSK_IAM, OAUTHBEARER
from kcon.core.wire_text import display_safe
from kcon.errors import UsageError

_SECRETS: Final = {
    "sasl.password": "password",
    "sasl.oauthbearer.client.secret": "password",
    "sasl.oauthbearer.client.credentials.client.secret": "password",
    "ssl.key.password": "key_password",
    "ssl.keystore.password": "store_password",
    "ssl.truststore.password": "ca_password",
}
_PEM: Final = {
    "ssl.truststore.certificates": "ca",
    "ssl.ca.pem": "ca",
    "ssl.keystore.certificate.chain": "cert",
    "ssl.certificate.pem": "cert",
    "ssl.keystore.key": "key",
    "ssl.key.pem": "key",
}
_SILENT: Final = frozenset({"ssl.keystore.type", "ssl.truststore.type", "ssl.protocol", "ssl.enabled.protocols"})
"""Answered by the file itself, or by what kcon does anyway."""
_OF_A_READER: Final = frozenset(
    {
        "group.id",
        "group.instance.id",
        "auto.offset.reset",
        "enable.auto.commit",
        "transactional.id",
        "enable.idempotence",
    }
)
"""Settings of one program, not of a cluster."""
_CLASSES: Final = (".class", "serializer", "deserializer", "interceptor.classes")
_JAAS_WORD: Final = re.compile(r'([A-Za-z_][\w.]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')
_EXPANSION: Final = re.compile(r"\$\{")
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def read_properties(name: str, text: str, *, java: bool) -> Imported:
    """Read one file. java: it has Java's escapes and continued lines; else a line is `key=value` as it stands."""
    pairs = dict(_java_lines(text) if java else _plain_lines(text))
    reader = _Reader(pairs)
    for key, value in pairs.items():
        reader.take(key.removeprefix("topic."), value)
    return reader.imported(name)


class _Reader:
    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._pairs = pairs
        self._bootstrap: str | None = None
        self._security: dict[str, object] = {}
        self._client: dict[str, str] = {}
        self._secrets: dict[str, Secret] = {}
        self._pem: dict[str, Secret] = {}
        self._notes: list[str] = []
        self._left_out: list[str] = []

    def take(self, key: str, value: str) -> None:
        """Sort one setting to where it belongs."""
        if _EXPANSION.search(value):
            # A file by somebody else must not make kcon read others (CVE-2024-31141 is the same mistake).
            self._notes.append(f"{key} refers to another place (${{...}}), which is not looked up.")
        elif key in {"bootstrap.servers", "metadata.broker.list"}:
            self._bootstrap = value
        elif key in _SECRETS:
            self._secrets[_SECRETS[key]] = Secret(value)
        elif key == "sasl.jaas.config":
            self._take_jaas(value)
        elif key in _PEM:
            self._pem[_PEM[key]] = Secret(value.strip() + "\n")
        elif key == "ssl.keystore.location":
            kind = self._pairs.get("ssl.keystore.type", "").upper()
            self._security["cert" if kind == "PEM" else "keystore"] = value
        elif key in _SILENT:
            return
        elif key in _OF_A_READER or key.endswith(_CLASSES):
            self._left_out.append(display_safe(key))
        else:
            self._take_other(key, value)

    def _take_other(self, key: str, value: str) -> None:
        try:
            known = known_key(key)
            setting = security_setting(known, value)
        except UsageError:
            self._left_out.append(display_safe(key))
            return
        if setting is None:
            self._client[known] = librdkafka_value(key, value)
        elif setting[0] != "verify_host" or setting[1] is False:
            self._security[setting[0]] = setting[1]

    def _take_jaas(self, value: str) -> None:
        words = {
            found[1]: re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3]
            for found in _JAAS_WORD.finditer(value)
        }
        if "password" in words or "clientSecret" in words:
            self._secrets.setdefault("password", Secret(words.get("password") or words["clientSecret"]))
        for word, setting in (("username", "username"), ("clientId", "client_id"), ("scope", "scope")):
            if word in words:
                self._security.setdefault(setting, words[word])
        if "awsProfileName" in words:
            self._security["aws_profile"] = words["awsProfileName"]

    def imported(self, name: str) -> Imported:
        """Return what came together."""
        store = self._secrets.pop("store_password", None)
        if store is not None and "keystore" in self._security:
            self._secrets.setdefault("key_password", store)
        mechanism = str(self._security.get("mechanism", "")).upper()
        if mechanism in {OAUTHBEARER, AWS_MSK_IAM}:
            self._security.pop("username", None)
        if mechanism and not {"protocol"} & self._security.keys():
            self._notes.append("It names a SASL mechanism and no security.protocol, so SASL is not used.")
        if self._left_out:
            self._notes.append(f"Left out: {', '.join(sorted(self._left_out)[:20])}.")
        if not str(self._security.get("protocol", "PLAINTEXT")).upper().startswith("SASL"):
            for setting in ("mechanism", "username", "client_id", "scope", "aws_profile"):
                self._security.pop(setting, None)
            self._secrets.pop("password", None)
        return Imported(
            name=name,
            bootstrap=self._bootstrap,
            security=self._security,
            client=self._client,
            secrets=self._secrets,
            pem=self._pem,
            notes=tuple(self._notes),
            is_current=True,
        )


def _plain_lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and key.strip() and not key.startswith("#"):
            yield key.strip(), value.strip().replace("\\n", "\n")


def _java_lines(text: str) -> Iterator[tuple[str, str]]:
    """Split as java.util.Properties does: comments, continued lines, `=`, `:` or blanks after the key, escapes."""
    pending = ""
    for line in [*text.splitlines(), ""]:
        natural = pending + line.lstrip(" \t\f")
        if not pending and natural[:1] in {"#", "!"}:
            continue
        if _ends_with_odd_backslash(natural):
            pending = natural[:-1]
            continue
        pending = ""
        if natural:
            key, value = _split(natural)
            yield _unescaped(key), _unescaped(value)


def _ends_with_odd_backslash(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _split(line: str) -> tuple[str, str]:
    index = 0
    while index < len(line) and line[index] not in "=: \t\f":
        index += 2 if line[index] == "\\" else 1
    rest = line[index:].lstrip(" \t\f")
    if rest[:1] in {"=", ":"}:
        rest = rest[1:].lstrip(" \t\f")
    return line[:index], rest


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text

    def replace(found: re.Match[str]) -> str:
        if found[1] is not None:
            return chr(int(found[1], 16))
        return _ESCAPES.get(found[2], found[2])

    return re.sub(r"\\(?:u([0-9A-Fa-f]{4})|(.))", replace, text)
