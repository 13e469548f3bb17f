"""What is kept of the cluster survives as records: one by one, and as a snapshot."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.state.acls import AclBinding, AclsCreated, AclsDeleted
from kcon_broker.state.client_quotas import QuotaAltered
from kcon_broker.state.cluster_records import (
    ClusterChange,
    ClusterState,
    ResourceConfigured,
    decode_cluster_change,
    encode_cluster_change,
)
from kcon_broker.state.configs.definitions import ResourceType
from kcon_broker.state.features import FeatureLevelSet
from kcon_broker.state.scram_credentials import ScramCredentialDeleted, make_credential

NAMES = st.sampled_from(("a", "b", "ü", ""))
BINDINGS = st.builds(
    AclBinding,
    st.integers(2, 7), NAMES, st.sampled_from((3, 4)), NAMES, NAMES, st.integers(2, 15), st.sampled_from((2, 3)),
)  # fmt: skip
CONFIGS = st.dictionaries(NAMES, NAMES, max_size=2)
CHANGES: st.SearchStrategy[ClusterChange] = st.one_of(
    st.builds(
        lambda kind, name, configs: ResourceConfigured(resource_type=kind, name=name, configs=configs),
        st.sampled_from((ResourceType.BROKER, ResourceType.GROUP, ResourceType.CLIENT_METRICS)), NAMES, CONFIGS,
    ),
    st.builds(lambda some: AclsCreated(bindings=tuple(some)), st.lists(BINDINGS, max_size=2)),
    st.builds(lambda some: AclsDeleted(bindings=tuple(some)), st.lists(BINDINGS, max_size=2)),
    st.builds(
        lambda name, values: QuotaAltered(entity=(("user", name or None),), values=values),
        NAMES, st.dictionaries(NAMES, st.floats(1, 5), max_size=2),
    ),
    st.builds(
        lambda user, mechanism: make_credential(user, mechanism, iterations=4096, salt=b"s", salted_password=b"p"),
        NAMES, st.sampled_from((1, 2)),
    ),
    st.builds(lambda level: FeatureLevelSet(name="group.version", level=level), st.sampled_from((0, 1))),
)  # fmt: skip


def seen(state: ClusterState) -> Any:
    """Return everything that a state holds."""
    rules = [change.bindings for change in state.acls.snapshot()]
    return state.configs, rules, state.quotas.by_entity, state.credentials.by_user, state.features.levels


@given(CHANGES)
def test_a_record_tells_its_change(change: ClusterChange) -> None:
    record = json.loads(json.dumps(encode_cluster_change(change)))
    assert decode_cluster_change(record) == change


@given(st.lists(CHANGES, max_size=12))
def test_a_snapshot_leads_to_the_same_state(changes: list[ClusterChange]) -> None:
    state, again = ClusterState(), ClusterState()
    for change in changes:
        state.apply(change)
    for change in state.snapshot():
        again.apply(change)
    assert seen(again) == seen(state)


def test_a_deleted_credential_is_gone() -> None:
    state = ClusterState()
    state.apply(make_credential("alice", 1, iterations=4096, salt=b"s", salted_password=b"p"))
    state.apply(ScramCredentialDeleted(user="alice", mechanism=1))
    assert state.credentials.by_user == {}


def test_keys_of_a_credential_are_those_of_rfc_5802() -> None:
    """The example of RFC 7677 §3: user "user", password "pencil"."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", salt, 4096)
    credential = make_credential("user", 1, iterations=4096, salt=salt, salted_password=salted)
    nonce = b"rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    auth = b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=%b,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=%b" % (nonce, nonce)
    signature = base64.b64encode(hmac.digest(credential.server_key, auth, "sha256"))
    assert signature == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_a_secret_is_not_printed() -> None:
    credential = make_credential("alice", 1, iterations=4096, salt=b"salt", salted_password=b"password")
    for secret in (credential.salt, credential.stored_key, credential.server_key):
        assert repr(secret) not in repr(credential)


@pytest.mark.parametrize("type_name", ["topic_created", "of a later version"])
def test_other_records_are_not_of_the_cluster(type_name: str) -> None:
    assert decode_cluster_change({"type": type_name}) is None
