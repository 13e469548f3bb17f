"""What does kaf know of clusters? Its file ~/.kaf/config, in YAML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kcon.contexts.imported import Imported
from kcon.contexts.secret import Secret
from kcon.contexts.security import OAUTHBEARER
from kcon.errors import UsageError

_TLS: Final = {"cafile": "ca", "clientfile": "cert", "clientkeyfile": "key"}


def read_kaf(path: Path, text: str) -> list[Imported]:
    """Return the clusters of kaf's file. UsageError when it is something else."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        # `from None`: the exception quotes the lines around the mistake, passwords among them.
        raise UsageError(f"{path} is not YAML.", "That is no file of kaf.") from None
    clusters = document.get("clusters") if isinstance(document, dict) else None
    if not isinstance(clusters, list):
        raise UsageError(f"{path} has no list of clusters.", "That is no file of kaf.")
    current = document.get("current-cluster")
    return [_cluster(each, current) for each in clusters if isinstance(each, dict) and each.get("name")]


def _cluster(table: Mapping[str, Any], current: object) -> Imported:
    brokers = [str(each) for each in table.get("brokers") or ()]
    sasl, tls = _table(table, "SASL"), _table(table, "TLS")
    security: dict[str, object] = {name: str(tls[key]) for key, name in _TLS.items() if tls.get(key)}
    if tls.get("insecure"):
        security["insecure"] = True
    secrets: dict[str, Secret] = {}
    protocol = str(table.get("security-protocol") or "").upper()
    mechanism = str(sasl.get("mechanism") or "").upper()
    uses_tls = bool(security) or protocol.endswith("SSL") or table.get("TLS") is not None
    if mechanism:
        security["mechanism"] = mechanism
        _take_sasl(sasl, mechanism, security, secrets)
    if mechanism or uses_tls:
        security["protocol"] = protocol or f"{'SASL_' if mechanism else ''}{'SSL' if uses_tls else 'PLAINTEXT'}"
    registry, notes = _registry(table, secrets)
    return Imported(
        name=str(table["name"]),
        bootstrap=",".join(brokers) or None,
        security=security,
        registry=registry,
        secrets=secrets,
        notes=notes,
        is_current=table["name"] == current,
    )


def _take_sasl(
    sasl: Mapping[str, Any], mechanism: str, security: dict[str, object], secrets: dict[str, Secret]
) -> None:
    if mechanism == OAUTHBEARER:
        for key, name in (("clientID", "client_id"), ("tokenURL", "token_url")):
            if sasl.get(key):
                security[name] = str(sasl[key])
        if sasl.get("scopes"):
            security["scope"] = " ".join(str(each) for each in sasl["scopes"])
        if sasl.get("clientSecret"):
            secrets["password"] = Secret(str(sasl["clientSecret"]))
        if sasl.get("token"):
            secrets["token"] = Secret(str(sasl["token"]))
        return
    if sasl.get("username"):
        security["username"] = str(sasl["username"])
    if sasl.get("password"):
        secrets["password"] = Secret(str(sasl["password"]))


def _registry(table: Mapping[str, Any], secrets: dict[str, Secret]) -> tuple[dict[str, str], tuple[str, ...]]:
    url = table.get("schema-registry-url")
    if not url:
        return {}, ()
    registry = {"url": str(url)}
    credentials = _table(table, "schema-registry-credentials")
    if credentials.get("username"):
        registry |= {"auth": "basic", "username": str(credentials["username"])}
        secrets["registry_password"] = Secret(str(credentials.get("password") or ""))
    return registry, ()


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = table.get(key)
    return found if isinstance(found, dict) else {}
