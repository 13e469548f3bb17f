"""Requests about what is kept of users and clients: quotas, SCRAM credentials, delegation tokens."""

from typing import Any, Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages import alter_client_quotas as altering
from kcon_broker.wire.messages import describe_client_quotas as describing
from kcon_broker.wire.messages.alter_client_quotas import AlterClientQuotasRequest
from kcon_broker.wire.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)
from kcon_broker.wire.messages.create_delegation_token import CreatableRenewers, CreateDelegationTokenRequest
from kcon_broker.wire.messages.describe_client_quotas import DescribeClientQuotasRequest
from kcon_broker.wire.messages.describe_delegation_token import (
    DescribeDelegationTokenOwner,
    DescribeDelegationTokenRequest,
)
from kcon_broker.wire.messages.describe_user_scram_credentials import DescribeUserScramCredentialsRequest, UserName
from kcon_broker.wire.messages.expire_delegation_token import ExpireDelegationTokenRequest
from kcon_broker.wire.messages.renew_delegation_token import RenewDelegationTokenRequest
from tests.differential.generators.draw import Draw, Makers
from tests.differential.session import Step

# Quotas

Pairs = list[tuple[str, str | None]]
Ops = list[tuple[str, float]]
_EXACT, _DEFAULT, _SPECIFIED = range(3)
_USER_KEYS: Final = ("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate")


def _entry(pairs: Pairs, ops: Ops, *, remove: bool = False) -> altering.EntryData:
    return altering.EntryData(
        entity=[altering.EntityData(entity_type=kind, entity_name=name) for kind, name in pairs],
        ops=[altering.OpData(key=key, value=value, remove=remove) for key, value in ops],
    )


def _quota(draw: Draw) -> tuple[str, float]:
    key = draw.pick(*_USER_KEYS)
    return key, draw.pick(1.0, 1024.0, 2.5 if "percentage" in key or "mutation" in key else 2.0000001)


def _alter(draw: Draw, label: str, entries: list[altering.EntryData], **options: object) -> Step:
    only = draw.rng.random() < 0.2
    user = next((one.entity_name for entry in entries for one in entry.entity if one.entity_type == "user"), None)
    after = [_described(draw, [("user", _EXACT, user)])] if user else []
    return draw.step(
        f"{label}{', validate only' if only else ''}",
        lambda _: AlterClientQuotasRequest(entries=entries, validate_only=only),
        settle=not only,
        **({"after": after} | options),
    )


def _described(draw: Draw, components: list[tuple[str, int, str | None]]) -> Step:
    request = DescribeClientQuotasRequest(
        components=[
            describing.ComponentData(entity_type=kind, match_type=match, match=name) for kind, match, name in components
        ]
    )
    return draw.other(ApiKey.DESCRIBE_CLIENT_QUOTAS, 1, "the quotas after it", lambda _: request)


def _alter_user(draw: Draw) -> Step:
    return _alter(draw, "a user", [_entry([("user", draw.fresh("user"))], [_quota(draw)])])


def _alter_pair(draw: Draw) -> Step:
    pairs: Pairs = [("client-id", draw.pick(None, draw.fresh("client"))), ("user", draw.fresh("user"))]
    draw.rng.shuffle(pairs)
    return _alter(draw, f"{pairs}", [_entry(pairs, [_quota(draw)])])


def _alter_address(draw: Draw) -> Step:
    address = f"10.{draw.rng.randint(0, 255)}.{draw.rng.randint(0, 255)}.{draw.rng.randint(0, 255)}"
    entry = _entry([("ip", address)], [("connection_creation_rate", draw.pick(1.0, 50.0))])
    return _alter(draw, address, [entry], after=[_described(draw, [("ip", _EXACT, address)])])


def _alter_and_remove(draw: Draw) -> Step:
    pairs: Pairs = [("user", draw.fresh("user"))]
    ops: Ops = [("producer_byte_rate", 5.0), ("consumer_byte_rate", 6.0)]
    before = draw.other(
        ApiKey.ALTER_CLIENT_QUOTAS,
        1,
        "quotas to be removed",
        lambda _: AlterClientQuotasRequest(entries=[_entry(pairs, ops)]),
        settle=True,
    )
    return _alter(draw, "removal", [_entry(pairs, ops[: draw.pick(1, 2)], remove=True)], before=[before])


def _alter_nothing(draw: Draw) -> Step:
    entries = draw.pick([], [_entry([("user", draw.fresh("user"))], [])],
                        [_entry([("user", draw.fresh("user"))], [(_USER_KEYS[0], 0.0)], remove=True)])  # fmt: skip
    return _alter(draw, f"nothing: {entries}", entries)


def _alter_bad_entity(draw: Draw) -> Step:
    bad: Pairs = draw.pick(
        [], [("usr", "a")], [("user", "")], [("", "a")], [("ip", "10.0.0.1"), ("user", draw.fresh("user"))],
        [("ip", "a b")], [("client-id", "")],
    )  # fmt: skip
    return _alter(draw, f"entity {bad}", [_entry(bad, [("consumer_byte_rate", 1.0)])])


def _alter_bad_key(draw: Draw) -> Step:
    key = draw.pick("no.such", "", "connection_creation_rate", "CONSUMER_BYTE_RATE")
    return _alter(draw, f"key {key!r}", [_entry([("user", draw.fresh("user"))], [(key, 1.0)])])


def _alter_bad_key_of_address(draw: Draw) -> Step:
    return _alter(draw, "address", [_entry([("ip", "10.0.0.9")], [(draw.pick(*_USER_KEYS), 1.0)])])


def _alter_bad_value(draw: Draw) -> Step:
    key = draw.pick("producer_byte_rate", "consumer_byte_rate")
    value = draw.pick(0.0, -1.0, 0.5, 1.5, 1e30, float("inf"), float("-inf"))
    return _alter(draw, f"{key} {value}", [_entry([("user", draw.fresh("user"))], [(key, value)])])


def _alter_twice(draw: Draw) -> Step:
    user: Pairs = [("user", draw.fresh("user"))]
    one = _entry(user, [("producer_byte_rate", 1.0)])
    entries = draw.pick(
        [one, _entry(user, [("consumer_byte_rate", 2.0)])],
        [_entry(user, [("producer_byte_rate", 1.0), ("producer_byte_rate", 2.0)])],
    )
    return _alter(draw, "twice", entries)


def _alter_mixed(draw: Draw) -> Step:
    good = _entry([("user", draw.fresh("user"))], [("producer_byte_rate", 1.0)])
    bad = _entry([("user", draw.fresh("user"))], [("producer_byte_rate", 1.0), ("consumer_byte_rate", -1.0)])
    return _alter(draw, "good and bad", [good, bad])


def _some_quotas(draw: Draw) -> tuple[str, str, Step]:
    user, client = draw.fresh("user"), draw.fresh("client")
    entries = [
        _entry([("user", user)], [("producer_byte_rate", 1.0)]),
        _entry([("user", user), ("client-id", client)], [("consumer_byte_rate", 2.0)]),
        _entry([("client-id", client)], [("request_percentage", 0.5)]),
    ]
    step = draw.other(
        ApiKey.ALTER_CLIENT_QUOTAS,
        1,
        "quotas to be found",
        lambda _: AlterClientQuotasRequest(entries=entries),
        settle=True,
    )
    return user, client, step


def _describe(
    draw: Draw, label: str, components: list[tuple[str, int, str | None]], *, strict: bool, **options: object
) -> Step:
    return draw.step(
        f"{label}: {components}, strict {strict}",
        lambda _: DescribeClientQuotasRequest(
            components=[
                describing.ComponentData(entity_type=kind, match_type=match, match=name)
                for kind, match, name in components
            ],
            strict=strict,
        ),
        lists_all=True,
        **options,
    )


def _describe_exact(draw: Draw) -> Step:
    user, client, before = _some_quotas(draw)
    components: list[tuple[str, int, str | None]] = draw.pick(
        [("user", _EXACT, user)],
        [("client-id", _EXACT, client)],
        [("user", _EXACT, user), ("client-id", _EXACT, client)],
        [("client-id", _SPECIFIED, None), ("user", _EXACT, user)],
        [("client-id", _DEFAULT, None), ("user", _EXACT, user)],
    )
    return _describe(draw, "exact", components, strict=draw.pick(False, True), before=[before])


def _describe_all(draw: Draw) -> Step:
    *_, before = _some_quotas(draw)
    components: list[tuple[str, int, str | None]] = draw.pick([], [("user", _SPECIFIED, None)])
    return _describe(draw, "all", components, strict=draw.pick(False, True), before=[before])


def _describe_absent(draw: Draw) -> Step:
    components: list[tuple[str, int, str | None]] = draw.pick(
        [("user", _EXACT, draw.fresh("absent"))], [("ip", _EXACT, "10.255.255.255")], [("user", _EXACT, "")]
    )
    return _describe(draw, "absent", components, strict=False)


def _describe_bad(draw: Draw) -> Step:
    components: list[tuple[str, int, str | None]] = draw.pick(
        [("usr", _EXACT, "a")],
        [("", _EXACT, "a")],
        [("user", _EXACT, None)],
        [("user", _DEFAULT, "a")],
        [("user", _SPECIFIED, "a")],
        [("user", 3, None)],
        [("user", -1, "a")],
        [("user", _EXACT, "a"), ("user", _DEFAULT, None)],
        [("ip", _SPECIFIED, None), ("user", _SPECIFIED, None)],
    )
    return _describe(draw, "bad", components, strict=False)


# SCRAM


def _upsertion(draw: Draw, name: str | None = None, **fields: Any) -> ScramCredentialUpsertion:
    values: dict[str, Any] = {
        "mechanism": draw.pick(1, 2),
        "iterations": draw.pick(4096, 8192, 16384),
        "salt": draw.rng.randbytes(8),
        "salted_password": draw.rng.randbytes(32),
    } | fields
    return ScramCredentialUpsertion(
        name=draw.fresh("user") if name is None else name,
        **values,
    )


def _scram(
    draw: Draw,
    label: str,
    upsertions: list[ScramCredentialUpsertion],
    deletions: list[ScramCredentialDeletion] | None = None,
    **options: object,
) -> Step:
    names = list(dict.fromkeys(one.name for one in (*upsertions, *(deletions or ())) if one.name))
    shown = draw.other(
        ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS,
        0,
        "the credentials after it",
        lambda _: DescribeUserScramCredentialsRequest(users=[UserName(name=name) for name in names]),
    )
    return draw.step(
        label,
        lambda _: AlterUserScramCredentialsRequest(upsertions=upsertions, deletions=deletions or []),
        settle=True,
        after=[shown] if names else [],
        **options,
    )


def _scram_set(draw: Draw) -> Step:
    return _scram(draw, "set", [_upsertion(draw) for _ in range(draw.rng.randint(1, 3))])


def _scram_replace(draw: Draw) -> Step:
    one = _upsertion(draw, iterations=4096)
    return _scram(draw, "replace", [_upsertion(draw, one.name, mechanism=one.mechanism)], before=[_set(draw, [one])])


def _scram_delete(draw: Draw) -> Step:
    one = _upsertion(draw)
    deletion = ScramCredentialDeletion(name=one.name, mechanism=one.mechanism)
    return _scram(draw, "delete", draw.pick([], [_upsertion(draw)]), [deletion], before=[_set(draw, [one])])


def _scram_odd(draw: Draw) -> Step:
    return _scram(draw, "odd", [_upsertion(draw, salt=b"", salted_password=draw.pick(b"x", b"y" * 200))])


def _set(draw: Draw, upsertions: list[ScramCredentialUpsertion]) -> Step:
    return draw.other(
        ApiKey.ALTER_USER_SCRAM_CREDENTIALS,
        0,
        "credentials to begin with",
        lambda _: AlterUserScramCredentialsRequest(upsertions=upsertions),
        settle=True,
    )


def _scram_bad(draw: Draw) -> Step:
    fields: dict[str, Any] = draw.pick(
        {"mechanism": 0}, {"mechanism": 3}, {"mechanism": -1}, {"iterations": 4095}, {"iterations": 0},
        {"iterations": 16385}, {"salted_password": b""},
    )  # fmt: skip
    return _scram(draw, f"bad {fields}", [_upsertion(draw, **fields), _upsertion(draw)])


def _scram_no_name(draw: Draw) -> Step:
    return _scram(draw, "no name", [_upsertion(draw, "")], [ScramCredentialDeletion(name=draw.fresh("x"), mechanism=1)])


def _scram_delete_absent(draw: Draw) -> Step:
    one = _upsertion(draw, mechanism=1)
    mechanism = draw.pick(2, 3)
    return _scram(
        draw, "delete absent", [], [ScramCredentialDeletion(name=one.name, mechanism=mechanism)],
        before=[_set(draw, [one])],
    )  # fmt: skip


def _scram_twice(draw: Draw) -> Step:
    one = _upsertion(draw)
    return _scram(draw, "twice", [one, _upsertion(draw, one.name)], before=draw.pick([], [_set(draw, [one])]))


def _scram_delete_and_set(draw: Draw) -> Step:
    one = _upsertion(draw)
    deletion = ScramCredentialDeletion(name=one.name, mechanism=one.mechanism)
    return _scram(draw, "delete and set", [one], [deletion], before=draw.pick([], [_set(draw, [one])]))


def _scram_describe(draw: Draw) -> Step:
    some = [_upsertion(draw), _upsertion(draw)]
    names: list[str] | None = draw.pick(None, [], [one.name for one in some], [some[0].name])
    return _scram_described(draw, "known", names, [_set(draw, some)])


def _scram_describe_absent(draw: Draw) -> Step:
    one = _upsertion(draw)
    names = draw.pick([draw.fresh("absent")], [""], [one.name, one.name], [one.name, draw.fresh("absent")])
    return _scram_described(draw, "absent", names, [_set(draw, [one])])


def _scram_described(draw: Draw, label: str, names: list[str] | None, before: list[Step]) -> Step:
    return draw.step(
        f"{label}: {names}",
        lambda _: DescribeUserScramCredentialsRequest(
            users=None if names is None else [UserName(name=name) for name in names]
        ),
        before=before,
        lists_all=not names,
    )


# Delegation tokens


def _create_token(draw: Draw) -> Step:
    owner = draw.pick((None, None), ("User", "someone"), ("", "")) if draw.version >= 3 else ("", "")
    renewers = draw.pick([], [CreatableRenewers(principal_type=draw.pick("User", "Usr"), principal_name="r")])
    lifetime_ms = draw.pick(-1, 0, 1000)
    return draw.step(
        f"owner {owner}, renewers {renewers}",
        lambda _: CreateDelegationTokenRequest(
            owner_principal_type=owner[0],
            owner_principal_name=owner[1],
            renewers=renewers,
            max_lifetime_ms=lifetime_ms,
        ),
    )


def _renew_token(draw: Draw) -> Step:
    hmac = draw.pick(b"", b"x" * 64)
    return draw.step("renew", lambda _: RenewDelegationTokenRequest(hmac=hmac, renew_period_ms=-1))


def _expire_token(draw: Draw) -> Step:
    hmac = draw.pick(b"", b"x" * 64)
    return draw.step("expire", lambda _: ExpireDelegationTokenRequest(hmac=hmac, expiry_time_period_ms=-1))


def _describe_tokens(draw: Draw) -> Step:
    owners = draw.pick(None, [], [DescribeDelegationTokenOwner(principal_type="User", principal_name="a")])
    return draw.step(f"owners {owners}", lambda _: DescribeDelegationTokenRequest(owners=owners))


MAKERS: Final = {
    ApiKey.ALTER_CLIENT_QUOTAS: Makers(
        (_alter_user, _alter_pair, _alter_address, _alter_and_remove, _alter_nothing),
        (
            _alter_bad_entity,
            _alter_bad_key,
            _alter_bad_key_of_address,
            _alter_bad_value,
            _alter_twice,
            _alter_mixed,
        ),
    ),
    ApiKey.DESCRIBE_CLIENT_QUOTAS: Makers((_describe_exact, _describe_all, _describe_absent), (_describe_bad,)),
    ApiKey.ALTER_USER_SCRAM_CREDENTIALS: Makers(
        (_scram_set, _scram_replace, _scram_delete, _scram_odd),
        (_scram_bad, _scram_no_name, _scram_delete_absent, _scram_twice, _scram_delete_and_set),
    ),
    ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS: Makers((_scram_describe,), (_scram_describe_absent,)),
    ApiKey.CREATE_DELEGATION_TOKEN: Makers((_create_token,), ()),
    ApiKey.RENEW_DELEGATION_TOKEN: Makers((_renew_token,), ()),
    ApiKey.EXPIRE_DELEGATION_TOKEN: Makers((_expire_token,), ()),
    ApiKey.DESCRIBE_DELEGATION_TOKEN: Makers((_describe_tokens,), ()),
}
