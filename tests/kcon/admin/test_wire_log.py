"""The wire log: a line for each request and answer, and no secret in any of them."""

import asyncio
from types import SimpleNamespace

from kcon.admin.apis import Api
from kcon.admin.client import Admin
from kcon.admin.requests import Request
from kcon.admin.wire_log import FIELDS_CHARS_MAX, fields_text

CANARY = "canary-4711"


def test_each_request_has_two_lines(wire: SimpleNamespace) -> None:
    lines: list[str] = []

    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}) as broker:
            async with await Admin.connect(wire.settings(broker, wire_log=lines.append)) as admin:
                await admin.topics()
            asked, told = [line for line in lines if "Metadata" in line][:2]
            assert asked.startswith(f"> {broker.address} #2 Metadata v12 ")
            assert '"allow_auto_topic_creation": false' in asked
            assert told.startswith(f"< {broker.address} #2 Metadata v12 ")
            assert told.endswith(" ms")

    asyncio.run(main())


def test_no_secret_is_written() -> None:
    secret = CANARY.encode()
    scram = {"upsertions": [{"name": "ann", "salt": secret, "salted_password": secret}], "deletions": []}
    config = {"resources": [{"configs": [{"name": "x", "value": CANARY}]}]}
    for api, values in (
        (Api.ALTER_USER_SCRAM_CREDENTIALS, scram),
        (Api.INCREMENTAL_ALTER_CONFIGS, config),
        (Api.SASL_AUTHENTICATE, {"auth_bytes": secret}),
    ):
        text = fields_text(Request(api=api, values=values))
        assert CANARY not in text
        assert "********" in text
    assert "ann" in fields_text(Request(api=Api.ALTER_USER_SCRAM_CREDENTIALS, values=scram))


def test_lines_are_short_and_harmless() -> None:
    text = fields_text(Request(api=Api.METADATA, values={"topics": [f"a\x1b[2J{i}" for i in range(1000)]}))
    assert "\x1b" not in text
    assert "and 990 more" in text
    long = fields_text(Request(api=Api.METADATA, values={"topics": ["x" * 10_000]}))
    assert len(long) <= FIELDS_CHARS_MAX + 4
