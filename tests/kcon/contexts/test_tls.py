"""Which broker is believed, and what is wrong with a key file: handshakes with real certificates, over memory."""

import os
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kcon.contexts.secrets import Secrets
from kcon.contexts.security import Security
from kcon.contexts.tls import tls_context
from kcon.errors import AuthError, KconError, UsageError
from tests.certificates import Authority, Identity

WITH_PASSWORD = {"KEY": "key-secret"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def client(authority: Authority) -> Identity:
    return authority.identity("client")


def context_of(settings: dict[str, Any], variables: dict[str, str] | None = None) -> ssl.SSLContext:
    return tls_context(Security(protocol="SSL", **settings), Secrets("a", variables or {}))


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str = "localhost") -> str | None:
    """Let both sides talk through memory; return the version they agreed on."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=host)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(5):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ours.version()


def server_context(identity: Identity, ca: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.cert, identity.key)
    if ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(ca)
    return context


def test_the_context_is_strict_by_default(authority: Authority) -> None:
    context = context_of({"ca": str(authority.ca)})
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_without_a_ca_the_systems_authorities_count() -> None:
    assert context_of({}).verify_mode == ssl.CERT_REQUIRED


def test_a_good_certificate_is_believed(authority: Authority) -> None:
    server = server_context(authority.identity("good"))
    assert shake_hands(context_of({"ca": str(authority.ca)}), server) == "TLSv1.3"


@pytest.mark.parametrize(
    ("name", "made", "code"),
    [
        ("expired", {"days": (-10, -1)}, 10),
        ("early", {"days": (5, 10)}, 9),
        ("elsewhere", {"hosts": ("other.example",)}, 62),
    ],
)
def test_a_bad_certificate_is_not(authority: Authority, name: str, made: dict[str, Any], code: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        shake_hands(context_of({"ca": str(authority.ca)}), server_context(authority.identity(name, **made)))
    assert caught.value.verify_code == code


def test_an_unknown_issuer_is_not_believed(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger").identity("broker")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context_of({"ca": str(authority.ca)}), server_context(stranger))
    assert shake_hands(context_of({"insecure": True}), server_context(stranger))


def test_any_host_is_believed_only_on_request(authority: Authority) -> None:
    elsewhere = server_context(authority.identity("host", hosts=("other.example",)))
    assert shake_hands(context_of({"ca": str(authority.ca), "verify_host": False}), elsewhere)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(authority: Authority, version: ssl.TLSVersion) -> None:
    server = server_context(authority.identity("old"))
    server.set_ciphers("ALL:@SECLEVEL=0")
    server.minimum_version = server.maximum_version = version
    with pytest.raises(ssl.SSLError):
        shake_hands(context_of({"ca": str(authority.ca)}), server)


@pytest.mark.parametrize(
    "form",
    [
        {"cert": "cert", "key": "key"},
        {"cert": "both"},
        {"cert": "cert", "key": "encrypted_key", "key_password_env": None},
        {"keystore": "keystore", "key_password_env": None},
    ],
    ids=["two files", "one file", "encrypted", "keystore"],
)
def test_our_certificate_is_shown(authority: Authority, client: Identity, form: dict[str, str | None]) -> None:
    settings = {name: "KEY" if part is None else str(getattr(client, part)) for name, part in form.items()}
    context = context_of({"ca": str(authority.ca), **settings}, WITH_PASSWORD)
    assert shake_hands(context, server_context(authority.identity("asking"), authority.ca))


def test_no_key_touches_the_disk(authority: Authority, client: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key out of a keystore must not outlive the process, whatever ends it: so it is in no file at all."""
    opened: list[str] = []
    load = ssl.SSLContext.load_cert_chain

    def watch(self: ssl.SSLContext, certfile: str, keyfile: str | None = None, password: Any = None) -> None:
        opened.extend([certfile, keyfile or ""])
        load(self, certfile, keyfile, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watch)
    before = len(os.listdir("/dev/fd"))
    context_of({"keystore": str(client.keystore), "key_password_env": "KEY"}, WITH_PASSWORD)
    assert opened
    assert all(path.startswith("/dev/fd/") for path in opened)
    assert len(os.listdir("/dev/fd")) == before


JKS = b"\xfe\xed\xfe\xed\x00\x00\x00\x02"


@pytest.mark.parametrize(
    ("settings", "variables", "kind", "words"),
    [
        ({"ca": "/missing.pem"}, {}, UsageError, "Cannot read ca"),
        ({"ca": "{key}"}, {}, UsageError, "no PEM certificate"),
        ({"cert": "/missing.pem"}, {}, UsageError, "Cannot read cert"),
        ({"cert": "{cert}"}, {}, UsageError, "no PEM certificate and key"),
        ({"cert": "{cert}", "key": "{other}"}, {}, UsageError, "not the one of the certificate"),
        ({"cert": "{cert}", "key": "{encrypted_key}"}, {}, AuthError, "no password is given"),
        (
            {"cert": "{cert}", "key": "{encrypted_key}", "key_password_env": "KEY"},
            {"KEY": "wrong-canary"},
            AuthError,
            "does not open the key",
        ),
        ({"keystore": "{keystore}"}, {}, AuthError, "does not open the keystore"),
        ({"keystore": "{keystore}", "key_password_env": "KEY"}, {"KEY": "wrong-canary"}, AuthError, "does not open"),
        ({"keystore": "{cut}"}, {}, UsageError, "cut short"),
        ({"keystore": "{jks}"}, {}, AuthError, "has a password"),
        ({"keystore": "{jks}", "key_password_env": "KEY"}, {"KEY": "wrong-canary"}, AuthError, "does not open"),
        ({"keystore": "{truststore}"}, {}, UsageError, "no key with a certificate"),
        ({"ca": "{jks}"}, {}, UsageError, "no certificate"),
        ({"ca": "{truststore}", "ca_password_env": "CA"}, {"CA": "wrong-canary"}, AuthError, "does not open the trust"),
        ({"ca": "{keystore}", "ca_password_env": "CA"}, {"CA": "wrong-canary"}, AuthError, "does not open the trust"),
    ],
)
def test_each_file_problem_has_its_own_sentence(
    authority: Authority,
    client: Identity,
    tmp_path: Path,
    settings: dict[str, str],
    variables: dict[str, str],
    kind: type[KconError],
    words: str,
) -> None:
    cut = tmp_path / "cut.jks"
    cut.write_bytes(JKS)
    files = {name: getattr(client, name) for name in ("cert", "key", "encrypted_key", "keystore", "jks")}
    files |= {"other": authority.identity("other").key, "cut": cut, "truststore": authority.truststore}
    with pytest.raises(kind, match=words) as caught:
        context_of({name: value.format(**files) for name, value in settings.items()}, variables)
    assert "canary" not in f"{caught.value.message} {caught.value.hint}"


def test_a_missing_package_for_keystores_names_the_extra(client: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cryptography.hazmat.primitives.serialization", "cryptography"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(UsageError) as caught:
        context_of({"keystore": str(client.keystore)})
    assert "kcon[pkcs12]" in caught.value.hint
    assert "openssl pkcs12" in caught.value.hint


@pytest.mark.parametrize("password", [{}, {"CA": "changeit"}])
def test_a_jks_trust_store_is_trusted_with_and_without_its_password(
    authority: Authority, client: Identity, password: dict[str, str]
) -> None:
    settings = {"ca": str(authority.truststore)} | ({"ca_password_env": "CA"} if password else {})
    assert shake_hands(context_of(settings, password), server_context(authority.identity("broker"))) == "TLSv1.3"


def test_a_jks_keystore_is_shown_to_the_server(authority: Authority, client: Identity) -> None:
    ours = context_of({"ca": str(authority.ca), "keystore": str(client.jks), "key_password_env": "KEY"}, WITH_PASSWORD)
    assert shake_hands(ours, server_context(authority.identity("broker"), authority.ca)) == "TLSv1.3"


@pytest.mark.java
def test_a_pkcs12_trust_store_of_keytool_is_trusted(authority: Authority, tmp_path: Path) -> None:
    """Java marks certificates in it as trusted in its own way; the name ends with .jks all the same."""
    store = tmp_path / "truststore.jks"
    words = ["-importcert", "-noprompt", "-alias", "ca", "-file", str(authority.ca), "-keystore", str(store)]
    words += ["-storetype", "PKCS12", "-storepass", "changeit"]
    subprocess.run(["keytool", *words], check=True, capture_output=True, timeout=60)
    ours = context_of({"ca": str(store), "ca_password_env": "CA"}, {"CA": "changeit"})
    assert shake_hands(ours, server_context(authority.identity("broker"))) == "TLSv1.3"
