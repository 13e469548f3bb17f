"""The shapes of a webhook's body: nothing from a cluster can break out of one, or mention anybody."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from kcon.contexts.secret import Secret
from kcon.plugin_api.alerting import AlertMessage, AlertNotice
from kcon_plugins.webhook_sink import LINES_MAX, WebhookKind, fill, sign, slack, text_of

HOSTILE = '<!channel> & "quoted" ${cluster} </script>'


def message(count: int = 1, *, status: str = "firing", omitted: int = 0) -> AlertMessage:
    notice = AlertNotice(
        status=status,
        rule="Late",
        severity="page",
        labels={"group": "a"},
        summary=HOSTILE,
        value=1.0,
        since_ms=0,
        at_ms=0,
    )
    return AlertMessage(id="1", cluster="prod", notices=(notice,) * count, omitted=omitted)


def test_a_message_reads_as_it_was_written() -> None:
    assert AlertMessage.from_json(json.dumps(message(2).to_json())) == message(2)


def test_slack_can_be_made_to_mention_nobody() -> None:
    body = slack(message())
    assert body["text"] == "[PAGE] Late on prod"
    (attachment,) = body["attachments"]
    assert attachment["text"] == '• &lt;!channel&gt; &amp; "quoted" ${cluster} &lt;/script&gt;'
    assert (attachment["color"], slack(message(status="resolved"))["attachments"][0]["color"]) == ("danger", "good")


@pytest.mark.parametrize(("count", "more"), [(LINES_MAX, None), (LINES_MAX + 1, "… and 1 more")])
def test_a_long_message_ends_with_a_number(count: int, more: str | None) -> None:
    lines = text_of(message(count)).splitlines()
    assert len(lines) == LINES_MAX + (1 if more is None else 2)
    assert lines[-1].startswith("•") == (more is None)
    assert more is None or lines[-1] == more


def test_what_was_left_out_is_counted_too() -> None:
    assert text_of(message(2, omitted=7)).splitlines()[-1] == "… and 7 more"


def test_a_template_is_filled_where_its_texts_say() -> None:
    template = {"a": ["${rule} on $cluster", 1, None], "b": {"c": "${notices}"}, "d": "$unknown ${summary}"}
    filled = fill(template, message())
    assert filled["a"] == ["Late on prod", 1, None]
    assert filled["b"]["c"][0]["labels"] == {"group": "a"}
    assert filled["d"] == f"$unknown {HOSTILE}"


@pytest.mark.parametrize(
    ("content", "problem"), [(b"{", "is not JSON"), (b"\xff", "is not JSON"), (None, "cannot be read")]
)
def test_a_template_that_is_none_is_said_at_the_start(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "t.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=problem):
        WebhookKind().open({"url": Secret("http://x/"), "template_file": str(path)})


def test_a_body_is_signed_with_its_time() -> None:
    headers = sign(Secret("key"), b"body", 1_000)
    expected = hmac.new(b"key", b"1000.body", hashlib.sha256).hexdigest()
    assert headers == {"X-Kcon-Timestamp": "1000", "X-Kcon-Signature": f"sha256={expected}"}
