"""What does kcl know of clusters? Its config.toml: one cluster, or profiles."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kcon.contexts.imported import Imported
from kcon.contexts.secret import Secret
from kcon.contexts.security import AWS_MSK_IAM
from kcon.errors import UsageError

_TLS: Final = {"ca_cert_path": "ca", "client_cert_path": "cert", "client_key_path": "key"}
_METHODS: Final = {
    "plain": "PLAIN",
    "plaintext": "PLAIN",
    "scramsha256": "SCRAM-SHA-256",
    "scramsha512": "SCRAM-SHA-512",
    "awsmskiam": AWS_MSK_IAM,
}
_LEFT_OUT: Final = {
    "server_name": "tls.server_name",
    "min_version": "tls.min_version",
    "cipher_suites": "tls.cipher_suites",
    "curve_preferences": "tls.curve_preferences",
}


def read_kcl(path: Path, text: str) -> list[Imported]:
    """Return the cluster, or the profiles, of kcl's file. UsageError when it is something else."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        # `from None`: the exception may quote the file.
        raise UsageError(f"{path} is not TOML.", "That is no file of kcl.") from None
    profiles = document.get("profiles")
    if isinstance(profiles, dict):
        current = document.get("current_profile")
        return [
            _cluster(name, table, is_current=name == current)
            for name, table in profiles.items()
            if isinstance(table, dict)
        ]
    return [_cluster("kcl", document, is_current=True)]


def _cluster(name: str, table: Mapping[str, Any], *, is_current: bool) -> Imported:
    seeds = table.get("seed_brokers") or ["localhost:9092"]  # kcl's own default.
    tls, sasl = table.get("tls"), _table(table, "sasl")
    security: dict[str, object] = {}
    secrets: dict[str, Secret] = {}
    notes: list[str] = []
    if isinstance(tls, dict):
        security |= {setting: str(tls[key]) for key, setting in _TLS.items() if tls.get(key)}
        if tls.get("insecure") or tls.get("insecure_skip_verify"):
            security["insecure"] = True
        left_out = [word for key, word in _LEFT_OUT.items() if tls.get(key)]
        if left_out:
            notes.append(f"Left out: {', '.join(left_out)}.")
    method = str(sasl.get("method") or "").lower().replace("-", "").replace("_", "")
    if method:
        mechanism = _METHODS.get(method, str(sasl["method"]).upper())
        security["mechanism"] = mechanism
        if mechanism != AWS_MSK_IAM:
            security["username"] = str(sasl.get("user") or "")
            if sasl.get("pass"):
                secrets["password"] = Secret(str(sasl["pass"]))
        if sasl.get("zid") or sasl.get("is_token"):
            notes.append("Left out: sasl.zid and sasl.is_token.")
    if method or isinstance(tls, dict):
        security["protocol"] = f"{'SASL_' if method else ''}{'SSL' if isinstance(tls, dict) else 'PLAINTEXT'}"
    timeout_ms = table.get("timeout_ms")
    return Imported(
        name=name,
        bootstrap=",".join(str(each) for each in seeds),
        timeout_ms=timeout_ms if isinstance(timeout_ms, int) and timeout_ms > 0 else None,
        security=security,
        secrets=secrets,
        notes=tuple(notes),
        is_current=is_current,
    )


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = table.get(key)
    return found if isinstance(found, dict) else {}
