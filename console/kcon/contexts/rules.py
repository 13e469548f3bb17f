"""How are a context's records to be read? Its rules for decoders and masks, and its schema registry, as configured.

Parsing alone: who decodes and masks asks `serde_for` and `masks_for`.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final, cast
from urllib.parse import urlsplit

from kcon.core.frozen import Frozen
from kcon.errors import UsageError

RULES_MAX: Final = 1_000
_AUTHS: Final = ("none", "basic", "bearer")
_SECRET_PLACES: Final = ("password_env", "password_file", "password_cmd")


class SerdeRule(Frozen):
    """Which decoders the keys and values of topics want. The first rule that fits a topic counts."""

    topic: str
    """A glob."""
    key: str | None = None
    value: str | None = None
    fallback: tuple[str, ...] = ()
    """Decoders to try after the named one, in this order."""


class MaskRule(Frozen):
    """What of a record nobody is to see. Every rule that fits a topic counts."""

    topic: str
    """A glob."""
    path: str
    """A place in the decoded value, e.g. `$.email`."""
    replacement: str = "****"
    """Written `with` in the file."""


class Registry(Frozen):
    """The schema registry that belongs to a cluster."""

    url: str
    auth: str = "none"
    """none, basic (username and password) or bearer (the password is the token)."""
    username: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    password_cmd: str | None = None
    ca: str | None = None

    @classmethod
    def names(cls) -> frozenset[str]:
        """The settings of a registry."""
        return cls._known


class Rules(Frozen):
    """All of them of one context, most important first."""

    serdes: tuple[SerdeRule, ...] = ()
    masks: tuple[MaskRule, ...] = ()
    registry: Registry | None = None

    def serde_for(self, topic: str) -> SerdeRule | None:
        """Return the first rule whose glob fits the raw name of a topic."""
        return next((rule for rule in self.serdes if fnmatchcase(topic, rule.topic)), None)

    def masks_for(self, topic: str) -> tuple[MaskRule, ...]:
        """Return every mask for a topic."""
        return tuple(rule for rule in self.masks if fnmatchcase(topic, rule.topic))


def parse_rules(where: str, table: Mapping[str, object]) -> Rules:
    """Read the tables serde, mask and registry of a context. where: for messages, e.g. `config.toml: [context.x]`."""
    registry = table.get("registry")
    return Rules(
        serdes=parse_serdes(where, table.get("serde", ())),
        masks=tuple(_mask(f"{where} mask", each) for each in _tables(f"{where} mask", table.get("mask", ()))),
        registry=None if registry is None else _registry(f"{where} registry", registry),
    )


def parse_serdes(where: str, value: object) -> tuple[SerdeRule, ...]:
    """Read a list of decoder rules."""
    return tuple(_serde(f"{where} serde", each) for each in _tables(f"{where} serde", value))


def _tables(where: str, value: object) -> Iterable[Mapping[str, object]]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, dict) for each in value):
        raise UsageError(f"{where} is not a list of tables.", "Write [[context.NAME.serde]] or [[context.NAME.mask]].")
    if len(value) > RULES_MAX:
        raise UsageError(f"{where} has more than {RULES_MAX} rules.", "Use globs.")
    return cast("Iterable[Mapping[str, object]]", value)


def _serde(where: str, table: Mapping[str, object]) -> SerdeRule:
    _check_keys(where, table, frozenset({"topic", "key", "value", "fallback"}))
    fallback = table.get("fallback", [])
    if not isinstance(fallback, list) or not all(isinstance(each, str) for each in fallback):
        raise UsageError(f"{where}: fallback is not a list of decoders.", 'Write fallback = ["json", "text", "hex"].')
    rule = SerdeRule(
        topic=_word(where, table, "topic") or "*",
        key=_word(where, table, "key"),
        value=_word(where, table, "value"),
        fallback=tuple(fallback),
    )
    if rule.key is None and rule.value is None and not rule.fallback:
        raise UsageError(f"{where} for {rule.topic} names no decoder.", 'Write value = "json" or the like.')
    return rule


def _mask(where: str, table: Mapping[str, object]) -> MaskRule:
    _check_keys(where, table, frozenset({"topic", "path", "with"}))
    path = _word(where, table, "path")
    if path is None or not path.startswith("$"):
        raise UsageError(f"{where} needs the path of what to hide.", 'Write path = "$.email".')
    return MaskRule(
        topic=_word(where, table, "topic") or "*", path=path, replacement=_word(where, table, "with") or "****"
    )


def _registry(where: str, table: object) -> Registry:
    if not isinstance(table, dict):
        raise UsageError(f"{where} is not a table.", "Write [context.NAME.registry] and its keys below.")
    for key in table.keys() & {"password", "token", "secret"}:
        raise UsageError(f"{where}: {key} would be readable in the file.", "Use password_cmd or password_file.")
    _check_keys(where, table, Registry.names())
    words = {key: cast("str", _word(where, table, key)) for key in table}
    url = words.get("url", "")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{where}: not an address: {url.rpartition('@')[2]!r}.", 'Write url = "https://host:8081".')
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"{where}: url holds a user name or a password.", "Use username and password_cmd or _file.")
    registry = Registry(**words)
    if registry.auth not in _AUTHS:
        raise UsageError(f"{where}: not a kind of auth: {registry.auth!r}.", f"Give one of {', '.join(_AUTHS)}.")
    if sum(getattr(registry, place) is not None for place in _SECRET_PLACES) > 1:
        raise UsageError(f"{where}: only one of {', '.join(_SECRET_PLACES)} can count.", "Remove the others.")
    return registry


def _word(where: str, table: Mapping[str, object], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{where}: {key} is not text.", "Put it in quotes.")
    return value


def _check_keys(where: str, table: Mapping[str, object], known: frozenset[str]) -> None:
    for key in table.keys() - known:
        near = get_close_matches(key, known, n=1)
        raise UsageError(
            f"{where}: unknown key {key!r}.", f"Did you mean {near[0]}?" if near else f"Known: {sorted(known)}."
        )
