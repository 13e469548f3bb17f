"""Files of other tools: what of them becomes a context, where their secrets go, and that nothing in them is run."""

from pathlib import Path
from typing import Any

import pytest

from kcon.contexts.import_writer import plan_import, write_secrets
from kcon.contexts.imported import Imported, choose_import, default_file, parse_reference, read_imports
from kcon.contexts.resolve import ContextStore, Overrides
from kcon.contexts.security import Security
from kcon.errors import KconError, NotFoundError, UsageError
from tests.certificates import Authority

CANARY = "canary-4711"

KAF = f"""
current-cluster: prod
clusters:
- name: dev
  brokers: [localhost:9092]
- name: prod
  version: ""
  brokers:
  - b1:9093
  - b2:9093
  SASL:
    mechanism: SCRAM-SHA-512
    username: ann
    password: {CANARY}
  TLS:
    cafile: /etc/ca.pem
    clientfile: /etc/c.pem
    clientkeyfile: /etc/k.pem
    insecure: false
  security-protocol: SASL_SSL
  schema-registry-url: https://r:8081
  schema-registry-credentials:
    username: reg
    password: {CANARY}-registry
- name: idp
  brokers: [b:1]
  security-protocol: SASL_SSL
  SASL:
    mechanism: OAUTHBEARER
    clientID: kcon
    clientSecret: {CANARY}
    tokenURL: https://idp/token
    scopes: [a, b]
- name: tls
  brokers: [b:1]
  TLS:
    insecure: true
- name: token
  brokers: [b:1]
  security-protocol: SASL_PLAINTEXT
  SASL: {{mechanism: OAUTHBEARER, token: {CANARY}}}
"""

KCL = f"""
seed_brokers = ["b1:9092", "b2"]
timeout_ms = 7000
[tls]
ca_cert_path = "/etc/ca.pem"
server_name = "b"
[sasl]
method = "scram-sha-256"
user = "ann"
pass = "{CANARY}"
"""

JAVA = f"""\
# A comment.
! Another.
bootstrap.servers = b1:9093,\\
    b2:9093
security.protocol: SASL_SSL
sasl.mechanism PLAIN
sasl.jaas.config = org.apache.kafka.common.security.plain.PlainLoginModule required \\
    username="ann" \\
    password="{CANARY}\\\\"x";
ssl.truststore.location=/etc/trust.jks
ssl.truststore.password={CANARY}-ca
ssl.keystore.location=/etc/key.p12
ssl.keystore.type=PKCS12
ssl.keystore.password={CANARY}-store
ssl.endpoint.identification.algorithm=
buffer.memory=33554432
linger.ms=5
group.id=x
key.deserializer=org.apache.kafka.common.serialization.StringDeserializer
no.such.setting=1
"""

KCAT = f"""\
# ~/.config/kcat.conf
metadata.broker.list=b1,b2:9093
security.protocol=sasl_ssl
sasl.mechanisms=SCRAM-SHA-512
sasl.username=ann
sasl.password={CANARY}
enable.ssl.certificate.verification=false
topic.acks=1
"""


def read(tmp_path: Path, tool: str, text: str) -> list[Imported]:
    path = tmp_path / "client.properties"
    path.write_text(text)
    return read_imports(tool, path)


def revealed(imported: Imported) -> dict[str, str]:
    return {name: secret.reveal() for name, secret in imported.secrets.items()}


def test_kaf(tmp_path: Path) -> None:
    dev, prod, idp, tls, token = read(tmp_path, "kaf", KAF)
    assert (dev.name, dev.bootstrap, dict(dev.security), dev.is_current) == ("dev", "localhost:9092", {}, False)
    assert (prod.bootstrap, prod.is_current) == ("b1:9093,b2:9093", True)
    assert prod.security == {
        "ca": "/etc/ca.pem",
        "cert": "/etc/c.pem",
        "key": "/etc/k.pem",
        "protocol": "SASL_SSL",
        "mechanism": "SCRAM-SHA-512",
        "username": "ann",
    }
    assert revealed(prod) == {"password": CANARY, "registry_password": f"{CANARY}-registry"}
    assert prod.registry == {"url": "https://r:8081", "auth": "basic", "username": "reg"}
    assert idp.security["token_url"] == "https://idp/token"
    assert idp.security["scope"] == "a b"
    assert tls.security == {"insecure": True, "protocol": "SSL"}
    assert revealed(token) == {"token": CANARY}
    for each in (dev, prod, idp, tls):
        Security(**each.security if "token_url" in each.security else dict(each.security)).check()  # type: ignore[arg-type]  # Of a file.


def test_kcl(tmp_path: Path) -> None:
    (only,) = read(tmp_path, "kcl", KCL)
    assert (only.name, only.bootstrap, only.timeout_ms) == ("kcl", "b1:9092,b2", 7000)
    assert only.security == {
        "ca": "/etc/ca.pem",
        "mechanism": "SCRAM-SHA-256",
        "username": "ann",
        "protocol": "SASL_SSL",
    }
    assert "tls.server_name" in only.notes[0]
    profiles = read(tmp_path, "kcl", 'current_profile = "b"\n[profiles.a]\nseed_brokers=["a"]\n[profiles.b.tls]\n')
    assert [(each.name, each.bootstrap, each.is_current) for each in profiles] == [
        ("a", "a", False),
        ("b", "localhost:9092", True),
    ]


def test_java(tmp_path: Path) -> None:
    (only,) = read(tmp_path, "java", JAVA)
    assert (only.name, only.bootstrap) == ("client", "b1:9093,b2:9093")
    assert only.security == {
        "protocol": "SASL_SSL",
        "mechanism": "PLAIN",
        "username": "ann",
        "ca": "/etc/trust.jks",
        "keystore": "/etc/key.p12",
        "verify_host": False,
    }
    assert revealed(only) == {
        "password": f'{CANARY}"x',
        "ca_password": f"{CANARY}-ca",
        "key_password": f"{CANARY}-store",
    }
    assert only.client == {"queue.buffering.max.kbytes": "32768", "linger.ms": "5"}
    assert only.notes == ("Left out: group.id, key.deserializer, no.such.setting.",)


def test_kcat(tmp_path: Path) -> None:
    (only,) = read(tmp_path, "kcat", KCAT)
    assert only.bootstrap == "b1,b2:9093"
    assert only.security == {
        "protocol": "sasl_ssl",
        "mechanism": "SCRAM-SHA-512",
        "username": "ann",
        "insecure": True,
    }
    assert only.client == {"acks": "1"}


@pytest.mark.parametrize("value", ["${file:/etc/shadow:password}", "${env:HOME}", "${directory:/etc:x}", "${SECRET}"])
@pytest.mark.parametrize("key", ["sasl.password", "bootstrap.servers", "ssl.truststore.location", "linger.ms"])
@pytest.mark.parametrize("tool", ["java", "kcat"])
def test_nothing_is_expanded(tmp_path: Path, tool: str, key: str, value: str) -> None:
    """CVE-2024-31141: a file by somebody else made a client read files on its machine."""
    (only,) = read(tmp_path, tool, f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n{key}={value}\n")
    assert f"{key} refers to another place" in only.notes[0]
    assert (only.bootstrap, dict(only.secrets), dict(only.client)) == (None, {}, {})
    assert "ca" not in only.security


def test_java_properties_follow_javas_own_rules(tmp_path: Path) -> None:
    lines = [
        "linger.ms\\=x 1",
        "sasl.username=\\u00e4\\tb\\",
        "c",
        "security.protocol=SASL_SSL",
        "sasl.mechanism=PLAIN",
    ]
    (only,) = read(tmp_path, "java", "\n".join([*lines, "ssl.ca.location"]))
    assert only.security["username"] == "ä\tbc"
    assert "linger.ms=x" in only.notes[0]


@pytest.mark.parametrize(("tool", "text"), [("kaf", "a: ["), ("kaf", "[]"), ("kcl", "a = "), ("kaf", f"- {CANARY}: [")])
def test_a_file_of_another_kind_is_said_to_be_one_without_a_word_of_it(tmp_path: Path, tool: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, tool, text)
    assert caught.value.hint == f"That is no file of {tool}."
    assert CANARY not in f"{caught.value.message} {caught.value.hint}"


def test_a_yaml_bomb_and_a_python_tag_do_nothing(tmp_path: Path) -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n" for i in range(20)
    )
    assert read(tmp_path, "kaf", bomb + "clusters: []\n") == []
    with pytest.raises(UsageError):
        read(tmp_path, "kaf", 'clusters: !!python/object/apply:os.system ["touch /tmp/kcon-was-here"]\n')


def test_a_long_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="longer than"):
        read(tmp_path, "java", "#" * (1024 * 1024 + 1))
    assert read(tmp_path, "java", "#" * (1024 * 1024))[0].bootstrap is None


def test_which_cluster_is_meant(tmp_path: Path) -> None:
    found = read(tmp_path, "kaf", KAF)
    assert choose_import(found, None, tmp_path).name == "prod"
    assert choose_import(found, "dev", tmp_path).name == "dev"
    assert choose_import(found[:1], None, tmp_path).name == "dev"
    with pytest.raises(UsageError, match="several clusters: dev, idp"):
        choose_import([found[0], found[2]], None, tmp_path)
    with pytest.raises(NotFoundError, match="no cluster nope"):
        choose_import(found, "nope", tmp_path)


def test_where_the_tools_keep_their_files(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert default_file("kaf", home) == tmp_path / ".kaf" / "config"
    assert default_file("kcl", home) == tmp_path / ".config" / "kcl" / "config.toml"
    assert default_file("kcl", home | {"KCL_CONFIG_DIR": "/x"}) == Path("/x/config.toml")
    assert default_file("kcat", home) == tmp_path / ".config" / "kcat.conf"
    (tmp_path / ".kcat.conf").touch()
    assert default_file("kcat", home) == tmp_path / ".kcat.conf"
    with pytest.raises(UsageError):
        default_file("java", home)


# --- writing ---------------------------------------------------------------------------------------------------


def test_secrets_go_beside_the_configuration_and_not_into_it(tmp_path: Path) -> None:
    (only,) = read(tmp_path, "java", JAVA)
    plan = plan_import(only, "prod", tmp_path / "config", keep="file")
    assert CANARY not in repr(plan)
    security = plan.table["security"]
    assert isinstance(security, dict)
    write_secrets(plan, _no_keyring)
    for key, text in (
        ("password", f'{CANARY}"x'),
        ("key_password", f"{CANARY}-store"),
        ("ca_password", f"{CANARY}-ca"),
    ):
        path = Path(security[f"{key}_file"])
        assert path.read_text() == text
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert any(str(path) in note for note in plan.notes), "said, never silent"


def test_secrets_may_go_to_the_keyring_or_nowhere(tmp_path: Path) -> None:
    prod = choose_import(read(tmp_path, "kaf", KAF), "prod", tmp_path)
    kept: dict[tuple[str, str], str] = {}
    plan = plan_import(prod, "prod", tmp_path, keep="keyring")
    write_secrets(plan, lambda service, user, secret: kept.update({(service, user): secret.reveal()}))
    assert kept == {("kcon/prod", "ann"): CANARY}
    assert plan.table["security"]["keyring"] is True  # type: ignore[index]  # A table.
    plan = plan_import(prod, "prod", tmp_path, keep="skip")
    assert not plan.files
    assert "The password was left out." in plan.notes


def test_a_key_that_stands_in_the_file_becomes_a_file_of_the_owner(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    client = authority.identity("client")
    lines = [
        "bootstrap.servers=b:1",
        "security.protocol=SSL",
        "ssl.truststore.type=PEM",
        *(
            f"{key}={path.read_text().strip()}".replace("\n", "\\\n")
            for key, path in (
                ("ssl.truststore.certificates", authority.ca),
                ("ssl.keystore.certificate.chain", client.cert),
                ("ssl.keystore.key", client.key),
            )
        ),
    ]
    (only,) = read(tmp_path, "java", "\n".join(line.replace("\\\n", "\\n\\\n") for line in lines))
    plan = plan_import(only, "pem", tmp_path / "config", keep="file")
    write_secrets(plan, _no_keyring)
    security = plan.table["security"]
    assert isinstance(security, dict)
    assert Path(security["key"]).read_text().strip() == client.key.read_text().strip()
    assert Path(security["key"]).stat().st_mode & 0o777 == 0o600
    assert Path(security["ca"]).read_text().strip() == authority.ca.read_text().strip()


def _no_keyring(*_: Any) -> None:
    raise AssertionError("nobody asked for the keyring")


# --- links -----------------------------------------------------------------------------------------------------


def test_a_linked_context_reads_the_file_each_time_and_stands_below_the_contexts_own_words(tmp_path: Path) -> None:
    source = tmp_path / "client.properties"
    source.write_text(JAVA)
    config = tmp_path / "config.toml"
    config.write_text(
        f'[context.prod]\nimport = "java:{source}"\nmode = "read-only"\n[context.prod.client]\n"linger.ms" = "9"\n'
    )
    store = ContextStore(environment={"KCON_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path)}, folder=tmp_path)
    context = store.resolve(Overrides(context="prod"))
    assert context.bootstrap == ("b1:9093", "b2:9093")
    assert context.client_config["linger.ms"] == "9"
    assert context.sources["bootstrap"] == f"imported file {source}"
    assert context.sources["client.linger.ms"] == f"{config} [context.prod]"
    assert context.secrets.password(context.security).reveal() == f'{CANARY}"x'
    assert context.secrets.ca_password(context.security)
    own = store.resolve(Overrides(context="prod", properties=(("security.password_cmd", "echo mine"),)))
    assert own.secrets.password(own.security).reveal() == "mine", "a place of our own comes first"
    source.write_text("bootstrap.servers=other:1\n")
    assert store.resolve(Overrides(context="prod")).bootstrap == ("other:1",)
    source.unlink()
    with pytest.raises(KconError, match="There is no file"):
        store.resolve(Overrides(context="prod"))


@pytest.mark.parametrize("text", ["prod", "nope:/x", "java:", ":x"])
def test_a_reference_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="Not an import"):
        parse_reference(text)


def test_references() -> None:
    assert parse_reference("kaf:/x/config#prod") == ("kaf", Path("/x/config"), "prod")
    assert parse_reference("java:/x") == ("java", Path("/x"), None)
