"""Settings that do not fit together must stop a command: a mistake here sends a password in clear, or nowhere."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from kcon.contexts.resolve import ContextStore, Overrides
from kcon.contexts.security import MECHANISMS, Security
from kcon.errors import UsageError

SCRAM: dict[str, Any] = {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-512", "username": "ann"}
BEARER: dict[str, Any] = {"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER"}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"protocol": "SSL"},
        {"protocol": "SSL", "ca": "ca.pem", "cert": "c.pem", "key": "k.pem", "key_password_cmd": "x"},
        {"protocol": "SSL", "keystore": "k.p12", "key_password_file": "p"},
        {"protocol": "SSL", "insecure": True, "verify_host": False},
        SCRAM | {"password_cmd": "pass show x"},
        SCRAM | {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "keyring": True},
        BEARER | {"token_file": "t"},
        {"protocol": "SSL", "ca": "ca.jks", "ca_password_env": "P"},
        {"protocol": "SASL_SSL", "mechanism": "AWS_MSK_IAM"},
        {"protocol": "SASL_SSL", "mechanism": "AWS_MSK_IAM", "aws_region": "eu-west-1", "aws_profile": "ops"},
        BEARER | {"token_url": "https://idp/token", "client_id": "kcon", "scope": "kafka", "password_env": "S"},
    ],
)
def test_settings_that_fit(settings: dict[str, Any]) -> None:
    Security(**settings).check()


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"username": "ann"}, "username"),
        ({"ca": "ca.pem"}, "ca"),
        ({"insecure": True}, "insecure"),
        ({"verify_host": False}, "verify_host"),
        ({"protocol": "SSL", "mechanism": "PLAIN"}, "mechanism"),
        ({"protocol": "SSL", "key": "k.pem"}, "cert"),
        ({"protocol": "SSL", "cert": "c.pem", "keystore": "k.p12"}, "keystore"),
        ({"protocol": "SSL", "key_password_cmd": "x"}, "key_password_cmd"),
        ({"protocol": "SSL", "ca_password_cmd": "x"}, "ca_password_cmd"),
        ({"protocol": "SASL_PLAINTEXT", "mechanism": "AWS_MSK_IAM"}, "TLS"),
        ({"protocol": "SASL_SSL", "mechanism": "AWS_MSK_IAM", "username": "ann"}, "username"),
        ({"protocol": "SASL_SSL", "mechanism": "AWS_MSK_IAM", "token_file": "t"}, "token_file"),
        (SCRAM | {"aws_region": "eu-west-1"}, "aws_region"),
        ({"protocol": "SASL_SSL"}, "mechanism"),
        ({"protocol": "SASL_SSL", "mechanism": "GSSAPI", "username": "ann"}, "GSSAPI"),
        ({"protocol": "SASL_SSL", "mechanism": "PLAIN"}, "username"),
        (SCRAM | {"protocol": "SASL_PLAINTEXT", "ca": "ca.pem"}, "ca"),
        (SCRAM | {"password_cmd": "x", "password_file": "y"}, "password_file, password_cmd"),
        (SCRAM | {"token_file": "t"}, "token_file"),
        (BEARER, "token"),
        (BEARER | {"token_file": "t", "username": "ann"}, "username"),
        (BEARER | {"token_file": "t", "token_cmd": "t"}, "token_file, token_cmd"),
        (BEARER | {"token_file": "t", "client_id": "x"}, "client_id"),
        (BEARER | {"token_url": "https://idp/token"}, "client_id"),
    ],
)
def test_a_setting_without_effect_is_an_error_that_names_it(settings: dict[str, Any], names: str) -> None:
    """Silently connecting in plain text with credentials configured would be worse than not connecting."""
    with pytest.raises(UsageError) as caught:
        Security(**settings).check()
    assert names in f"{caught.value.message} {caught.value.hint}"


def test_a_slip_in_the_mechanism_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        Security(**(SCRAM | {"mechanism": "scram-sha256"})).check()
    assert any(name in caught.value.hint for name in MECHANISMS)


def resolve(folder: Path, text: str = "", properties: tuple[tuple[str, str], ...] = (), **environment: str) -> Security:
    (folder / "config.toml").write_text(text or '[context.a]\nbootstrap = "h:1"\n')
    (folder / ".git").mkdir(exist_ok=True)
    variables = {"KCON_CONFIG_DIR": str(folder), "KCON_STATE_DIR": str(folder), **environment}
    store = ContextStore(environment=variables, folder=folder)
    return store.resolve(Overrides(context="a", properties=properties)).security


def test_a_more_specific_place_of_a_secret_takes_the_other_ones_turn(tmp_path: Path) -> None:
    text = '[context.a]\nbootstrap = "h:1"\n[context.a.security]\npassword_cmd = "pass show a"\n'
    assert resolve(tmp_path, text).password_cmd == "pass show a"
    security = resolve(tmp_path, text, KCON_SECURITY_PASSWORD_FILE="/p")
    assert (security.password_file, security.password_cmd) == ("/p", None)
    security = resolve(tmp_path, text, KCON_SECURITY_PASSWORD="secret")
    assert (security.password_env, security.password_cmd) == ("KCON_SECURITY_PASSWORD", None)
    assert "secret" not in repr(security)


def test_two_places_in_one_table_are_both_kept_for_the_check_to_refuse(tmp_path: Path) -> None:
    text = '[context.a]\nbootstrap = "h:1"\n[context.a.security]\nprotocol = "SASL_SSL"\nmechanism = "PLAIN"\n'
    security = resolve(tmp_path, text + 'username = "x"\npassword_cmd = "x"\npassword_file = "y"\n')
    with pytest.raises(UsageError, match="password_file, password_cmd"):
        security.check()


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("ssl.truststore.location", "/ca.pem", "ca", "/ca.pem"),
        ("ssl.certificate.location", "/c.pem", "cert", "/c.pem"),
        ("ssl.keystore.location", "/k.p12", "keystore", "/k.p12"),
        ("enable.ssl.certificate.verification", "false", "insecure", True),
        ("enable.ssl.certificate.verification", "true", "insecure", False),
        ("ssl.endpoint.identification.algorithm", "", "verify_host", False),
        ("ssl.endpoint.identification.algorithm", "none", "verify_host", False),
        ("ssl.endpoint.identification.algorithm", "HTTPS", "verify_host", True),
        ("sasl.oauthbearer.client.id", "me", "client_id", "me"),
        ("security.password_file", "/p", "password_file", "/p"),
        ("security.insecure", "true", "insecure", True),
    ],
)
def test_properties_of_other_clients_have_their_typed_place(
    tmp_path: Path, key: str, value: str, field: str, expected: object
) -> None:
    assert getattr(resolve(tmp_path, properties=((key, value),)), field) == expected


@pytest.mark.parametrize("key", ["ssl.ca.pem", "ssl.engine.location", "ssl.crl.location", "sasl.kerberos.keytab"])
def test_a_setting_that_only_one_plane_would_follow_is_refused(tmp_path: Path, key: str) -> None:
    """Lists would work and reading would hang, or the reverse."""
    with pytest.raises(UsageError, match=key):
        resolve(tmp_path, properties=((key, "x"),))


def test_a_switch_that_is_neither_true_nor_false_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="KCON_SECURITY_INSECURE"):
        resolve(tmp_path, KCON_SECURITY_INSECURE="maybe")
    assert resolve(tmp_path, KCON_SECURITY_INSECURE="1").insecure


def test_no_field_can_hold_a_secret() -> None:
    """Contexts are shown, compared and logged; only the place of a secret may be in them."""
    bare = {"password", "key_password", "token", "secret", "client_secret"}
    assert not bare & {field.name for field in fields(Security)}
