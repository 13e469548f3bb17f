"""The JKS parser: what Java wrote is read, and what is damaged is refused with a sentence and nothing else."""

import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from kcon.contexts.jks import JksError, JksPasswordError, read_jks
from tests.certificates import Authority, Identity, jks_file


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return Authority(tmp_path_factory.mktemp("authority")).identity("client")


def test_a_key_and_its_chain_are_read(client: Identity) -> None:
    store = read_jks(client.jks.read_bytes(), "key-secret")
    (key,) = store.keys
    assert (key.alias, len(key.chain), store.certificates) == ("kcon", 2, ())
    load_der_private_key(key.open("key-secret"), None)


def test_wrong_passwords_are_told_from_damage(client: Identity) -> None:
    content = client.jks.read_bytes()
    with pytest.raises(JksPasswordError):
        read_jks(content, "wrong")
    with pytest.raises(JksPasswordError):
        read_jks(content, None).keys[0].open("wrong")


@pytest.mark.java
@pytest.mark.parametrize("kind", ["JKS", "PKCS12"])
def test_what_keytool_wrote_is_read(client: Identity, tmp_path: Path, kind: str) -> None:
    """Java is the oracle: keytool imports our PKCS12 and our own JKS, and writes the kind it is asked for."""
    made = tmp_path / "made.jks"
    for source in (client.keystore, client.jks):
        made.unlink(missing_ok=True)
        words = ["-importkeystore", "-noprompt", "-srckeystore", str(source), "-srcstorepass", "key-secret"]
        words += ["-destkeystore", str(made), "-deststoretype", kind, "-deststorepass", "key-secret"]
        ran = subprocess.run(
            ["keytool", *words], capture_output=True, text=True, check=False, timeout=60, env=os.environ
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        if kind == "JKS":
            key = read_jks(made.read_bytes(), "key-secret").keys[0]
            load_der_private_key(key.open("key-secret"), None)
            assert len(key.chain) == 2
        else:
            assert pkcs12.load_pkcs12(made.read_bytes(), b"key-secret").key is not None


@given(st.binary(max_size=400), st.integers(0, 2**32 - 1))
def test_damage_is_one_kind_of_error(tail: bytes, count: int) -> None:
    """A count that is only told allocates nothing, and no other exception comes out."""
    for content in (b"\xfe\xed\xfe\xed" + tail, b"\xfe\xed\xfe\xed\0\0\0\2" + count.to_bytes(4, "big") + tail):
        try:
            for key in read_jks(content, None).keys:
                key.open("x")
        except JksError:
            continue


def test_every_cut_and_every_flipped_byte_is_noticed(client: Identity) -> None:
    content = client.jks.read_bytes()
    for size in range(len(content)):
        with pytest.raises(JksError):
            read_jks(content[:size], "key-secret")
    for place in range(0, len(content), 7):
        broken = bytearray(content)
        broken[place] ^= 0x40
        with pytest.raises(JksError):
            read_jks(bytes(broken), "key-secret")


def test_an_empty_store_is_read() -> None:
    store = read_jks(jks_file("x"), "x")
    assert (store.keys, store.certificates) == ((), ())
