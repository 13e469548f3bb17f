"""Which context does this command use, and where does each of its values come from?

Precedence: flag, `-X`, environment, project file, context, imported file, default. `-b` without `-C` is a context of
its own: the current context's mode and credentials must not leak to an address that it does not name.
"""

import os
from collections.abc import Mapping
from dataclasses import fields
from datetime import tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from kcon.contexts.client_keys import known_key, security_setting
from kcon.contexts.config_file import (
    ConfigFile,
    bootstrap_of,
    check_name,
    parse_mode,
    read_config,
)
from kcon.contexts.config_writer import add_context, remove_context
from kcon.contexts.context import AD_HOC_NAME, Context, Mode, parse_bootstrap
from kcon.contexts.folders import CONFIG_FILE, config_folder, find_project_file, state_folder
from kcon.contexts.rules import Rules, parse_rules
from kcon.contexts.secret import Secret
from kcon.contexts.secrets import Secrets
from kcon.contexts.security import PLACES, PROTOCOLS, Security
from kcon.contexts.zones import local_zone, parse_zone
from kcon.core.frozen import Frozen
from kcon.core.units import parse_duration_ms
from kcon.errors import KconError, UsageError

if TYPE_CHECKING:
    from kcon.contexts.project_file import ProjectFile

_CURRENT_FILE: Final = "current-context"
_TIMEOUT_DEFAULT_MS: Final = 30_000
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"", "0", "false", "no", "off"})
_SWITCHES: Final = frozenset(field.name for field in fields(Security) if isinstance(field.default, bool))
_SECRET_VARIABLES: Final = {
    "KCON_SECURITY_PASSWORD": "password_env",
    "KCON_SECURITY_KEY_PASSWORD": "key_password_env",
    "KCON_SECURITY_CA_PASSWORD": "ca_password_env",
    "KCON_SECURITY_TOKEN": "token_env",
}
"""Variables that hold a secret themselves, and the setting that says so."""


class Overrides(Frozen):
    """What the command line says."""

    bootstrap: str | None = None
    context: str | None = None
    properties: tuple[tuple[str, str], ...] = ()
    """Of `-X`, keys as `client_keys.parse_property` returns them."""
    timeout_ms: int | None = None
    tz: str | None = None


class ContextListing(Frozen):
    """One line of `kcon context list`."""

    name: str
    bootstrap: tuple[str, ...]
    mode: Mode
    color: str | None
    is_current: bool


class NoClusterNamed(UsageError):
    """Nothing says which cluster is meant: no option, no variable, no context."""


class ContextStore:
    """The contexts that this user and this folder know."""

    def __init__(self, *, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        self.environment = os.environ if environment is None else environment
        self.config_path = config_folder(self.environment) / CONFIG_FILE
        self.state_folder = state_folder(self.environment)
        self.warnings: list[str] = []
        """Sentences for stderr, gathered while resolving."""
        self._folder = folder or Path.cwd()

    # --- the list --------------------------------------------------------------------------------------------

    def listings(self) -> list[ContextListing]:
        """Return every context of the configuration, sorted by name."""
        config = self.config()
        current = self._chosen_name(config, Overrides())[0]
        return [
            ContextListing(
                name=name,
                bootstrap=tuple((bootstrap_of(table) or str(table.get("import", ""))).split(",")),
                mode=Mode(str(table.get("mode", Mode.READ_WRITE.value))),
                color=cast("str | None", table.get("color")),
                is_current=name == current,
            )
            for name, table in sorted(config.contexts.items())
        ]

    def config(self) -> ConfigFile:
        """Return the configuration, with the contexts of a trusted project file on top, key by key."""
        config = read_config(self.config_path)
        if self.project is None or not self.project.contexts:
            return config
        merged = dict(config.contexts)
        for name, table in self.project.contexts.items():
            merged[name] = {**merged.get(name, {}), **table}
        return ConfigFile(config.path, merged)

    @cached_property
    def project(self) -> "ProjectFile | None":
        """The project file that counts in this folder."""
        path = find_project_file(self._folder)
        if path is None:
            return None
        from kcon.contexts.project_file import read_project
        from kcon.contexts.trust import TrustStore

        return read_project(path, TrustStore(self.state_folder))

    def current(self) -> str | None:
        """Return the name that `use` kept, whether or not it still exists."""
        try:
            return (self.state_folder / _CURRENT_FILE).read_text("utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            return None

    def use(self, name: str) -> None:
        """Make a context the current one. UsageError when it does not exist."""
        self.config().table(name)
        try:
            self.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = self.state_folder / f".{_CURRENT_FILE}.{os.getpid()}.tmp"
            temporary.write_text(name + "\n", "utf-8")
            temporary.replace(self.state_folder / _CURRENT_FILE)
        except OSError as error:
            raise KconError(f"Cannot keep the current context: {error.strerror or error}.") from error

    def add(self, name: str, table: Mapping[str, object], *, replace: bool = False) -> None:
        """Write a context; its values are checked as if they were resolved."""
        self.check_new(name, table, replace=replace)
        add_context(self.config_path, name, table, replace=replace)

    def check_new(self, name: str, table: Mapping[str, object], *, replace: bool = False) -> None:
        """Raise UsageError unless a context can be added as it is."""
        check_name(name)
        if not replace and name in read_config(self.config_path).contexts:
            raise UsageError(f"There is a context {name} already.", "Replace it with --replace.")
        self.build(ConfigFile(self.config_path, {name: table}), name).security.check()

    def build(self, config: ConfigFile, name: str) -> Context:
        """Return a context of this configuration as if it were chosen. UsageError says what is off."""
        return self._build(config, name, "", Overrides(context=name))

    def remove(self, name: str) -> None:
        """Cut a context out of the configuration; it is no longer the current one."""
        remove_context(self.config_path, name)
        if self.current() == name:
            (self.state_folder / _CURRENT_FILE).unlink(missing_ok=True)

    # --- resolving -------------------------------------------------------------------------------------------

    def resolve(self, overrides: Overrides) -> Context:
        """Return the context for a command. UsageError when none is named, or a value is off."""
        config = self.config()
        if self.project is not None and self.project.warning is not None:
            self.warnings.append(self.project.warning)
        name, source = self._chosen_name(config, overrides)
        if name is None and self._ad_hoc_bootstrap(overrides) is None:
            hint = "Give its address with -b HOST:PORT, or choose one with `kcon context use NAME`."
            raise NoClusterNamed("No cluster is named.", hint)
        return self._build(config, name, source, overrides)

    def _ad_hoc_bootstrap(self, overrides: Overrides) -> str | None:
        properties = dict(overrides.properties)
        return overrides.bootstrap or properties.get("bootstrap.servers") or self.environment.get("KCON_BOOTSTRAP")

    def _chosen_name(self, config: ConfigFile, overrides: Overrides) -> tuple[str | None, str]:
        if overrides.context is not None:
            return overrides.context, "flag -C"
        if overrides.bootstrap or dict(overrides.properties).get("bootstrap.servers"):
            return None, ""
        if self.environment.get("KCON_CONTEXT"):
            return self.environment["KCON_CONTEXT"], "environment KCON_CONTEXT"
        if self.environment.get("KCON_BOOTSTRAP"):
            return None, ""
        if self.project is not None and self.project.choice is not None:
            return self.project.choice, str(self.project.path)
        current = self.current()
        if current is not None and current in config.contexts:
            return current, "the current context"
        if len(config.contexts) == 1:
            return next(iter(config.contexts)), "the only context"
        return None, ""

    def _build(self, config: ConfigFile, name: str | None, source: str, overrides: Overrides) -> Context:
        values = _Values()
        if name is not None:
            self._put_context(values, config, name)
            values.sources["name"] = source
        if self.project is not None and self.project.serdes:
            values.rules = values.rules.with_changes(serdes=(*self.project.serdes, *values.rules.serdes))
        self._put_environment(values, with_bootstrap=overrides.context is None)
        for key, value in overrides.properties:
            values.put_property(key, value, f"-X {key}")
        values.put("bootstrap", overrides.bootstrap, "flag -b")
        values.put("timeout_ms", overrides.timeout_ms, "flag --timeout")
        values.put("tz", overrides.tz, "flag --tz")
        return values.context(name or AD_HOC_NAME, self.environment)

    def _put_context(self, values: "_Values", config: ConfigFile, name: str) -> None:
        """Put a context: what it imports, what config.toml says, what a trusted project file says."""
        table = config.table(name)
        if "import" in table:
            values.put_import(str(table["import"]))
        on_top = self.project.contexts.get(name, {}) if self.project is not None else {}
        own = {key: value for key, value in table.items() if key not in on_top}
        values.put_table(own, f"{self.config_path} [context.{name}]")
        if self.project is not None and on_top:
            values.put_table(on_top, f"{self.project.path} [context.{name}]")
        if table.keys() & {"serde", "mask", "registry"}:
            values.rules = parse_rules(f"[context.{name}]", table)
            values.sources["rules"] = f"{self.config_path} [context.{name}]"

    def _put_environment(self, values: "_Values", *, with_bootstrap: bool) -> None:
        # Who names a context by a flag means its cluster: its credentials must not go where a variable points.
        for key in ("bootstrap", "color", "mode", "tz", "timeout")[0 if with_bootstrap else 1 :]:
            variable = f"KCON_{key.upper()}"
            values.put(key, self.environment.get(variable) or None, f"environment {variable}")
        for key in (field.name for field in fields(Security)):
            variable = f"KCON_SECURITY_{key.upper()}"
            values.put_security(key, self.environment.get(variable) or None, f"environment {variable}")
        for variable, key in _SECRET_VARIABLES.items():
            if self.environment.get(variable):
                values.put_security(key, variable, f"environment {variable}")
        read_only = self.environment.get("KCON_READ_ONLY", "").strip().lower()
        if read_only not in _TRUE | _FALSE:
            # A misspelt safety must not be off without a word.
            raise UsageError(f"KCON_READ_ONLY is {read_only!r}.", "Set it to 1 or 0.")
        if read_only in _TRUE:
            values.put("mode", Mode.READ_ONLY.value, "environment KCON_READ_ONLY")


class _Values:
    """Values by key with their sources; what is put later wins."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        self._values: dict[str, object] = {}
        self._security: dict[str, object] = {}
        self._client: dict[str, str] = {}
        self._imported: dict[str, Secret] = {}
        self.rules = Rules()

    def put(self, key: str, value: object, source: str) -> None:
        if value is not None:
            key = "timeout_ms" if key == "timeout" else key
            self._values[key] = value
            self.sources[key] = source

    def put_security(self, key: str, value: object, source: str) -> None:
        """Keep a security setting. A place of a secret takes the one a less specific source named."""
        if value is None:
            return
        value = parse_switch(key, value, source)
        rivals = {name for places in PLACES if key in places and value is not False for name in places} - {key}
        for rival in rivals & self._security.keys():
            if self.sources[f"security.{rival}"] != source:
                del self._security[rival], self.sources[f"security.{rival}"]
        self._security[key] = value
        self.sources[f"security.{key}"] = source

    def put_property(self, key: str, value: str, source: str) -> None:
        key = known_key(key)
        security = security_setting(key, value)
        if key == "bootstrap.servers":
            self.put("bootstrap", value, source)
        elif security is not None:
            self.put_security(*security, source)
        else:
            self._client[key] = value
            self.sources[f"client.{key}"] = source

    def put_import(self, reference: str) -> None:
        """Put what another tool's file says now. Its secrets are used from memory, after every place of our own."""
        from kcon.contexts.imported import choose_import, parse_reference, read_imports

        tool, path, name = parse_reference(reference)
        found = choose_import(read_imports(tool, path), name, path)
        source = f"imported file {path}"
        if found.pem or "token" in found.secrets:
            raise UsageError(
                f"{path} holds a key, a certificate or a token itself.", "Import it without --link: kcon copies these."
            )
        self.put("bootstrap", found.bootstrap, source)
        self.put("timeout", f"{found.timeout_ms}ms" if found.timeout_ms else None, source)
        for key, value in found.security.items():
            self.put_security(key, value, source)
        for key, text in found.client.items():
            self.put_property(key, text, source)
        self._imported = {key: secret for key, secret in found.secrets.items() if secret}

    def put_table(self, table: Mapping[str, object], source: str) -> None:
        self.put("bootstrap", bootstrap_of(table), source)
        for key in ("color", "metrics", "mode", "tz", "timeout"):
            self.put(key, table.get(key), source)
        for key, value in cast("Mapping[str, object]", table.get("security", {})).items():
            self.put_security(key, value, source)
        for key, value in cast("Mapping[str, object]", table.get("client", {})).items():
            self.put_property(key, str(value).lower() if isinstance(value, bool) else str(value), source)

    def context(self, name: str, environment: Mapping[str, str]) -> Context:
        tz, tz_name = self._zone(environment)
        protocol = str(self._security.get("protocol", "PLAINTEXT")).upper()
        if protocol not in PROTOCOLS:
            raise UsageError(
                f"{self.sources['security.protocol']}: not a security protocol: {protocol}.",
                "Give PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.",
            )
        return Context(
            name=name,
            bootstrap=parse_bootstrap(str(self._values.get("bootstrap", ""))),
            mode=parse_mode(str(self._values.get("mode", "read-write")), self.sources.get("mode", "")),
            color=cast("str | None", self._values.get("color")),
            metrics=cast("str | None", self._values.get("metrics")),
            tz=tz,
            tz_name=tz_name,
            timeout_ms=self._timeout_ms(),
            security=Security(**cast("dict[str, Any]", {**self._security, "protocol": protocol})),
            secrets=Secrets(name, environment, self._imported),
            client_config=dict(self._client),
            rules=self.rules,
            sources=dict(self.sources),
        )

    def _zone(self, environment: Mapping[str, str]) -> tuple[tzinfo, str]:
        name = self._values.get("tz")
        if name is None or str(name).lower() == "local":
            return local_zone(environment)
        return parse_zone(str(name)), str(name)

    def _timeout_ms(self) -> int:
        value = self._values.get("timeout_ms", _TIMEOUT_DEFAULT_MS)
        timeout_ms = value if isinstance(value, int) else parse_duration_ms(str(value))
        if timeout_ms <= 0:
            raise UsageError(f"{self.sources['timeout_ms']}: a timeout of 0 would never let anything happen.")
        return timeout_ms


def parse_switch(key: str, value: object, source: str = "") -> object:
    """Return a security setting's value, as a boolean where it is a switch. UsageError for another word."""
    if key not in _SWITCHES or isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise UsageError(f"{source or key}: neither true nor false: {str(value)!r}.", "Set it to true or false.")
    return word in _TRUE
