"""How does an alert reach Prometheus's Alertmanager? By its API v2, as a Prometheus would tell it.

Alertmanager forgets an alert that nobody repeats (`resolve_timeout`), so what goes on is told again each minute, with
an end that lies a few such minutes ahead: when kcon dies, its alerts end there by themselves.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from kcon.plugin_api.alerting import AlertMessage, AlertNotice, SecretText, SinkSetting, SinkTools, Value
from kcon_plugins.webhook_sink import refuse_unless_taken

PATH: Final = "/api/v2/alerts"
REFRESH_MS: Final = 60_000
LIFE_MS: Final = 4 * REFRESH_MS
"""As Prometheus does: four times the interval at which it tells them."""


class AlertmanagerSink:
    """Posts each message to one Alertmanager."""

    def __init__(self, settings: Mapping[str, Value]) -> None:
        url = settings["url"]
        assert not isinstance(url, str | tuple), "kcon hands secrets over as SecretText"
        self._url = _Endpoint(url)
        token = settings.get("token")
        self._token: SecretText | None = None if isinstance(token, str | tuple) else token

    async def send(self, message: AlertMessage, tools: SinkTools) -> None:
        """Post the alerts. SinkFailure unless the answer is 2xx."""
        now_ms = tools.now_ms()
        body = json.dumps([as_alert(notice, message, now_ms) for notice in message.notices]).encode()
        headers: dict[str, SecretText | str] = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = _Bearer(self._token)
        refuse_unless_taken(await tools.post(self._url, body, headers))


class AlertmanagerKind:
    """`kind = "alertmanager"`."""

    name = "alertmanager"
    settings = (
        SinkSetting(
            name="url",
            help="The address of the Alertmanager, without /api/v2/alerts.",
            is_required=True,
            is_secret=True,
            may_be_plain=True,
        ),
        SinkSetting(name="token", help="Sent as a bearer token.", is_secret=True),
    )
    refresh_ms = REFRESH_MS

    def open(self, settings: Mapping[str, Value]) -> AlertmanagerSink:
        """Return the sink."""
        return AlertmanagerSink(settings)


class _Endpoint:
    def __init__(self, url: SecretText) -> None:
        self._url = url

    def reveal(self) -> str:
        return self._url.reveal().rstrip("/").removesuffix(PATH) + PATH


class _Bearer:
    def __init__(self, token: SecretText) -> None:
        self._token = token

    def reveal(self) -> str:
        return f"Bearer {self._token.reveal()}"


def as_alert(notice: AlertNotice, message: AlertMessage, now_ms: int) -> dict[str, Any]:
    """Return a notice in the shape of Alertmanager's API v2 (`postableAlert`)."""
    ends_ms = notice.at_ms if notice.is_resolved else now_ms + LIFE_MS
    labels = {"alertname": notice.rule, "severity": notice.severity, "cluster": message.cluster, **notice.labels}
    if message.is_test:
        labels["test"] = "true"
    return {
        # Alertmanager takes an empty value for a label that is not there, and refuses what is not UTF-8.
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {"summary": notice.summary},
        "startsAt": _rfc3339(min(notice.since_ms, ends_ms)),
        "endsAt": _rfc3339(ends_ms),
    }


def _rfc3339(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
