"""How does an alert reach a web server? A POST of JSON: kcon's own shape, Slack's, Discord's, or a template's.

A template is a JSON file; in its texts `${title}`, `${text}`, `${status}`, `${severity}`, `${cluster}`, `${rule}`,
`${summary}`, `${count}` and `${id}` are replaced, and a text that is just `${notices}` becomes the list of notices. It
is parsed before it is filled, so no name of a topic can break out of a text.

With a `secret` a request is signed: `X-Kcon-Signature: sha256=` and the HMAC (RFC 2104), in hexadecimal, of
`X-Kcon-Timestamp`, a full stop, and the body.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

from kcon.plugin_api.alerting import (
    AlertMessage,
    SecretText,
    SinkFailure,
    SinkSetting,
    SinkTools,
    Value,
)

TEMPLATE_BYTES_MAX: Final = 64 * 1024
LINES_MAX: Final = 20
"""So many notices stand in a text for people."""
SLACK_CHARS_MAX: Final = 3_000
DISCORD_CHARS_MAX: Final = 1_900
RETRIED: Final = frozenset({408, 425, 429})
"""Client errors that pass by themselves (RFC 9110 §15.5, RFC 6585 §4)."""


class WebhookSink:
    """Posts each message to one address."""

    def __init__(self, settings: Mapping[str, Value]) -> None:
        url = settings["url"]
        assert not isinstance(url, str | tuple), "kcon hands secrets over as SecretText"
        self._url: SecretText = url
        self._shape = str(settings.get("template", "kcon"))
        secret = settings.get("secret")
        self._secret: SecretText | None = None if isinstance(secret, str | tuple) else secret
        bearer = settings.get("token")
        self._token: SecretText | None = None if isinstance(bearer, str | tuple) else bearer
        file = settings.get("template_file")
        self._template = None if file is None else _read_template(str(file))

    async def send(self, message: AlertMessage, tools: SinkTools) -> None:
        """Post. SinkFailure unless the answer is 2xx."""
        body = json.dumps(self._shaped(message), ensure_ascii=False).encode("utf-8", "replace")
        headers: dict[str, SecretText | str] = {"Content-Type": "application/json", "X-Kcon-Message": message.id}
        if self._secret is not None:
            headers |= sign(self._secret, body, tools.now_ms() // 1000)
        if self._token is not None:
            headers["Authorization"] = _Bearer(self._token)
        refuse_unless_taken(await tools.post(self._url, body, headers))

    def _shaped(self, message: AlertMessage) -> Any:
        if self._template is not None:
            return fill(self._template, message)
        if self._shape == "slack":
            return slack(message)
        if self._shape == "discord":
            return {"content": text_of(message)[:DISCORD_CHARS_MAX], "allowed_mentions": {"parse": []}}
        return message.to_json() | {"title": message.title}


class WebhookKind:
    """`kind = "webhook"`."""

    name = "webhook"
    settings = (
        SinkSetting(name="url", help="Where to post to.", is_required=True, is_secret=True, may_be_plain=True),
        SinkSetting(name="template", help="The shape of the body.", choices=("kcon", "slack", "discord")),
        SinkSetting(name="template_file", help="A JSON file to fill instead."),
        SinkSetting(name="secret", help="Signs each body with HMAC-SHA256.", is_secret=True),
        SinkSetting(name="token", help="Sent as a bearer token.", is_secret=True),
    )
    refresh_ms = None

    def open(self, settings: Mapping[str, Value]) -> WebhookSink:
        """Return the sink."""
        return WebhookSink(settings)


class _Bearer:
    """The value of an Authorization header."""

    def __init__(self, token: SecretText) -> None:
        self._token = token

    def reveal(self) -> str:
        """Return it."""
        return f"Bearer {self._token.reveal()}"


def sign(secret: SecretText, body: bytes, now_s: int) -> dict[str, str]:
    """Return the two headers that prove who sent a body, and when."""
    signed = hmac.new(secret.reveal().encode(), f"{now_s}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Kcon-Timestamp": str(now_s), "X-Kcon-Signature": f"sha256={signed}"}


def refuse_unless_taken(answer: Any) -> None:
    """Raise SinkFailure for an answer that is no success."""
    if 200 <= answer.status < 300:
        return
    said = f": {answer.text.splitlines()[0][:200]}" if answer.text.strip() else ""
    is_final = 400 <= answer.status < 500 and answer.status not in RETRIED
    raise SinkFailure(
        f"the server answered {answer.status}{said}", is_final=is_final, retry_after_s=answer.retry_after_s
    )


def text_of(message: AlertMessage) -> str:
    """Return a message as people read it: the title, and a line a notice."""
    lines = [message.title]
    for notice in message.notices[:LINES_MAX]:
        over = "resolved: " if notice.is_resolved else ""
        lines.append(f"• {over}{notice.summary or notice.rule}")
    left = len(message.notices) - LINES_MAX + message.omitted if len(message.notices) > LINES_MAX else message.omitted
    if left > 0:
        lines.append(f"… and {left} more")
    return "\n".join(lines)


def slack(message: AlertMessage) -> dict[str, Any]:
    """Return a message as Slack's incoming webhooks take it, and Mattermost's; no text in it can mention anybody."""
    # Slack asks for these three alone to be escaped; what they make up is all that it interprets in a text.
    text = text_of(message)[:SLACK_CHARS_MAX].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    color = "good" if message.is_resolved else "danger" if message.severity == "page" else "warning"
    title, _, rest = text.partition("\n")
    return {"text": title, "attachments": [{"color": color, "text": rest, "mrkdwn_in": []}]}


def fill(template: Any, message: AlertMessage) -> Any:
    """Return a parsed template with its texts filled."""
    first = message.notices[0]
    values = {
        "title": message.title,
        "text": text_of(message),
        "status": "resolved" if message.is_resolved else "firing",
        "severity": message.severity,
        "cluster": message.cluster,
        "rule": first.rule,
        "summary": first.summary,
        "count": str(len(message.notices) + message.omitted),
        "id": message.id,
    }
    return _filled(template, values, message.to_json()["notices"])


def _filled(part: Any, values: Mapping[str, str], notices: Any) -> Any:
    if isinstance(part, str):
        return notices if part == "${notices}" else Template(part).safe_substitute(values)
    if isinstance(part, dict):
        return {name: _filled(value, values, notices) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, values, notices) for value in part]
    return part


def _read_template(path: str) -> Any:
    try:
        content = Path(path).expanduser().read_bytes()
        if len(content) > TEMPLATE_BYTES_MAX:
            raise ValueError(f"The template {path} is larger than {TEMPLATE_BYTES_MAX} bytes.")
        return json.loads(content)
    except OSError as error:
        raise ValueError(f"The template {path} cannot be read: {error.strerror or error}.") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"The template {path} is not JSON: {error}.") from error
