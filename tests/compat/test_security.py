"""A real Apache Kafka with TLS, SASL and ACLs: what connects, what is refused, and how that is said. Both planes."""

import asyncio
import base64
import hashlib
import io
import json
import os
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kio.schema.alter_user_scram_credentials.v0.request import (
    AlterUserScramCredentialsRequest,
    ScramCredentialUpsertion,
)
from kio.serial import entity_writer
from kio.static.primitive import i8, i32

from kcon.admin.client import Admin
from kcon.admin.settings import AdminSettings
from kcon.cli.environment import Environment
from kcon.cli.run import run
from kcon.contexts.context import Context
from kcon.contexts.secrets import Secrets
from kcon.contexts.security import Security
from kcon.core.ids import TopicPartition, topic_name
from kcon.errors import ExitCode, KconError
from kcon.records.coordinator_free import CoordinatorFreeStream
from kcon.records.reach import reach
from kcon.records.read_plan import PartitionRange, ReadPlan
from kcon.services.local_cluster import LocalClusterOptions, start_local_cluster
from tests.certificates import Authority, Identity
from tests.compat.conftest import until

pytestmark = [pytest.mark.java, pytest.mark.xdist_group("security")]

PASSWORDS = {"alice": "alice-secret", "bob": "bob-secret", "carol": "ﬁne\u00a0€"}
"""The last one is changed by SASLprep, and Apache Kafka keeps it as it is."""
MECHANISMS = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"
REAUTHENTICATION_MS = 1_500
_PASSWORD_VARIABLE = "THE_PASSWORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureKafka:
    """A node with a listener for each protocol. Only alice, and clients with her rights, may do anything."""

    ports: dict[str, int]
    ca: str
    truststore: str
    """The same authority in a JKS file."""
    client: Identity
    stranger: Identity
    log_path: Path

    def context(self, protocol: str, *, at: str | None = None, secret: str = "", **settings: Any) -> Context:
        """Return a context for a protocol. at: the listener to go to, if not the protocol's own."""
        if protocol.endswith("SSL") and not settings.get("insecure"):
            settings.setdefault("ca", self.ca)
        return Context(
            name="secure",
            bootstrap=(f"localhost:{self.ports[at or protocol]}",),
            timeout_ms=10_000,
            security=Security(protocol=protocol, **settings),  # type: ignore[arg-type]  # A test's own word.
            secrets=Secrets("secure", {_PASSWORD_VARIABLE: secret, "PATH": os.environ["PATH"]}),
        )

    def with_password(self, protocol: str, mechanism: str, user: str = "alice", password: str | None = None) -> Context:
        """Return a context for a mechanism with a password."""
        return self.context(
            protocol,
            mechanism=mechanism,
            username=user,
            password_env=_PASSWORD_VARIABLE,
            secret=PASSWORDS[user] if password is None else password,
        )


def unsecured_token(subject: str, *, life_s: int = 3600) -> str:
    """Make an unsigned JWT, which the broker under test believes."""

    def part(value: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    now_s = int(time.time())
    return f"{part({'alg': 'none'})}.{part({'sub': subject, 'iat': now_s, 'exp': now_s + life_s})}."


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()


def properties_of(ports: dict[str, int], authority: Authority, folder: Path) -> dict[str, str]:
    broker = authority.identity("broker", hosts=("localhost",))
    listeners = ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())
    protocols = {name: name for name in ports} | {"CONTROLLER": "PLAINTEXT", "OPEN_TLS": "SSL"}
    packages = "org.apache.kafka.common.security"
    users = " ".join(f'user_{name}="{password}"' for name, password in PASSWORDS.items())
    found = {
        "listeners": listeners,
        "advertised.listeners": ",".join(
            f"{name}://localhost:{port}" for name, port in ports.items() if name != "CONTROLLER"
        ),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:alice;User:CN=kcon-client;User:carol",
        "delegation.token.secret.key": "a secret of the broker",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(broker.both),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.ca),
        "listener.name.ssl.ssl.client.auth": "required",
    }
    for listener in ("sasl_plaintext", "sasl_ssl"):
        prefix = f"listener.name.{listener}"
        found |= {
            f"{prefix}.sasl.enabled.mechanisms": MECHANISMS,
            f"{prefix}.plain.sasl.jaas.config": f"{packages}.plain.PlainLoginModule required {users};",
            f"{prefix}.scram-sha-256.sasl.jaas.config": f"{packages}.scram.ScramLoginModule required;",
            f"{prefix}.scram-sha-512.sasl.jaas.config": f"{packages}.scram.ScramLoginModule required;",
            f"{prefix}.oauthbearer.sasl.jaas.config": (
                f'{packages}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
            ),
            f"{prefix}.oauthbearer.sasl.server.callback.handler.class": (
                f"{packages}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler"
            ),
        }
    # Long enough for every other test; the one about renewal looks at it alone.
    found["listener.name.sasl_ssl.scram-sha-256.connections.max.reauth.ms"] = str(REAUTHENTICATION_MS)
    return found


@pytest.fixture(scope="module")
def kafka(apache_classpath: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    folder = tmp_path_factory.mktemp("secure_kafka")
    authority = Authority(folder)
    names = ("PLAINTEXT", "SSL", "OPEN_TLS", "SASL_PLAINTEXT", "SASL_SSL", "CONTROLLER")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    options = LocalClusterOptions(
        data_dir=folder / "node",
        port=ports["PLAINTEXT"],
        dies_with_parent=True,
        properties=properties_of(ports, authority, folder),
        jvm_options=("-Dfile.encoding=UTF-8",),
    )
    node = asyncio.run(start_local_cluster(apache_classpath, options))
    try:
        add_scram_users(ports["PLAINTEXT"])
        yield SecureKafka(
            ports=ports,
            ca=str(authority.ca),
            truststore=str(authority.truststore),
            client=authority.identity("kcon-client"),
            stranger=Authority(folder, "another authority").identity("kcon-stranger"),
            log_path=node.log_path,
        )
    finally:
        asyncio.run(node.stop(grace_s=0))


def add_scram_users(port: int) -> None:
    """Store SCRAM credentials as Kafka's own tool does: of the password's bytes as they are."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock, sock.makefile("rb") as answers:
        # AlterUserScramCredentials takes each user once a request, so there is one for each mechanism.
        for mechanism, name in ((1, "sha256"), (2, "sha512")):
            upsertions = tuple(
                ScramCredentialUpsertion(
                    name=user,
                    mechanism=i8(mechanism),
                    iterations=i32(4096),
                    salt=b"salt of " + user.encode(),
                    salted_password=hashlib.pbkdf2_hmac(name, password.encode(), b"salt of " + user.encode(), 4096),
                )
                for user, password in PASSWORDS.items()
            )
            body = io.BytesIO()
            entity_writer(AlterUserScramCredentialsRequest)(
                body, AlterUserScramCredentialsRequest(deletions=(), upsertions=upsertions)
            )
            # api key 51, version 0, correlation id, no client id, no tags
            frame = struct.pack(">hhihb", 51, 0, mechanism, -1, 0) + body.getvalue()
            sock.sendall(struct.pack(">i", len(frame)) + frame)
            (size,) = struct.unpack(">i", answers.read(4))
            # correlation id, tags, throttle time, count + 1, then of each user: length + 1, name, error code, ...
            answer = answers.read(size)
            assert answer[:10] == struct.pack(">ibib", mechanism, 0, 0, len(PASSWORDS) + 1)
            assert answer[11 + len("alice") :][:2] == b"\0\0", answer


async def topics_of(context: Context) -> list[str]:
    async with await Admin.connect(AdminSettings.of(context)) as admin:
        return [topic.name.raw for topic in await admin.topics()]


def list_topics(context: Context) -> list[str]:
    return asyncio.run(topics_of(context))


Make = Callable[[SecureKafka], Context]

# --- what connects --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_passwords_authenticate(kafka: SecureKafka, protocol: str, mechanism: str) -> None:
    assert isinstance(list_topics(kafka.with_password(protocol, mechanism)), list)


@pytest.mark.parametrize("form", ["key", "encrypted", "both", "keystore", "jks"])
def test_client_certificates_authenticate(kafka: SecureKafka, form: str) -> None:
    client = kafka.client
    forms: dict[str, dict[str, Any]] = {
        "key": {"cert": client.cert, "key": client.key},
        "encrypted": {"cert": client.cert, "key": client.encrypted_key, "key_password_env": _PASSWORD_VARIABLE},
        "both": {"cert": client.both},
        "keystore": {"keystore": client.keystore, "key_password_env": _PASSWORD_VARIABLE},
        "jks": {"keystore": client.jks, "key_password_env": _PASSWORD_VARIABLE, "ca": kafka.truststore},
    }
    settings = {name: str(value) for name, value in forms[form].items()}
    assert isinstance(list_topics(kafka.context("SSL", secret="key-secret", **settings)), list)


def test_a_certificate_is_not_wanted_everywhere(kafka: SecureKafka) -> None:
    """Without a client's certificate the user is anonymous, whom this broker lets see everything."""
    assert isinstance(list_topics(kafka.context("SSL", at="OPEN_TLS")), list)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_password_that_saslprep_changes_still_authenticate(kafka: SecureKafka, mechanism: str) -> None:
    """Apache Kafka does not prepare it, whatever RFC 5802 says; the second attempt remembers what worked."""
    context = kafka.with_password("SASL_PLAINTEXT", mechanism, "carol")
    list_topics(context)
    assert context.secrets.unprepared


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_bearer_tokens_authenticate(kafka: SecureKafka, protocol: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(unsecured_token("alice") + "\n")
    list_topics(kafka.context(protocol, mechanism="OAUTHBEARER", token_file=str(file)))
    list_topics(kafka.context(protocol, mechanism="OAUTHBEARER", token_cmd=f"cat {file}"))


def test_a_session_is_renewed_before_its_end(kafka: SecureKafka) -> None:
    """KIP-368: the broker hangs up on who goes on with an expired session; many may be in flight at that time."""

    async def main() -> None:
        context = kafka.with_password("SASL_SSL", "SCRAM-SHA-256")
        async with await Admin.connect(AdminSettings.of(context)) as admin:
            loop = asyncio.get_running_loop()
            end_s = loop.time() + 3 * REAUTHENTICATION_MS / 1000
            while loop.time() < end_s:
                await asyncio.gather(*(admin.cluster() for _ in range(20)))
            assert admin.requests_sent["ApiVersions"] <= 2, "no connection was lost"
            assert admin.requests_sent["SaslHandshake"] >= 3

    asyncio.run(main())


def test_a_session_that_ended_unused_is_renewed_by_the_next_request(kafka: SecureKafka) -> None:
    async def main() -> None:
        context = kafka.with_password("SASL_SSL", "SCRAM-SHA-256")
        async with await Admin.connect(AdminSettings.of(context)) as admin:
            await asyncio.sleep(1.5 * REAUTHENTICATION_MS / 1000)
            await admin.cluster()
            assert admin.requests_sent["SaslHandshake"] == 2

    asyncio.run(main())


# --- the record plane -----------------------------------------------------------------------------------------

PLANES: dict[str, Make] = {
    "plain": lambda k: k.with_password("SASL_PLAINTEXT", "PLAIN"),
    "scram": lambda k: k.with_password("SASL_SSL", "SCRAM-SHA-256"),
    "scram, unprepared": lambda k: k.with_password("SASL_SSL", "SCRAM-SHA-512", "carol"),
    "token": lambda k: k.context("SASL_SSL", mechanism="OAUTHBEARER", token_cmd=f"echo {unsecured_token('alice')}"),
    "certificate": lambda k: k.context("SSL", cert=str(k.client.cert), key=str(k.client.key)),
    "encrypted key": lambda k: k.context(
        "SSL",
        cert=str(k.client.cert),
        key=str(k.client.encrypted_key),
        key_password_env=_PASSWORD_VARIABLE,
        secret="key-secret",
    ),
    "keystore": lambda k: k.context(
        "SSL", keystore=str(k.client.keystore), key_password_env=_PASSWORD_VARIABLE, secret="key-secret"
    ),
    "java stores": lambda k: k.context(
        "SSL",
        ca=k.truststore,
        keystore=str(k.client.jks),
        key_password_env=_PASSWORD_VARIABLE,
        secret="key-secret",
    ),
    "insecure": lambda k: k.context("SSL", at="OPEN_TLS", insecure=True),
    "any host": lambda k: replace(
        k.context("SSL", at="OPEN_TLS", verify_host=False), bootstrap=(f"127.0.0.1:{k.ports['OPEN_TLS']}",)
    ),
}


@pytest.mark.parametrize("plane", PLANES)
def test_records_are_written_and_read_with_the_settings_of_the_admin_plane(
    kafka: SecureKafka, plane: str, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    """Or lists would work and reading would hang."""
    shell = Shell(PLANES[plane](kafka), tmp_path)
    topic = unique("records")
    shell.run("topic", "create", topic, "-p", "2")
    shell.run("produce", topic, "-K", ":", stdin=b"k:one\nk:two\n")
    assert shell.run("consume", topic, "-e").stdout == b"one\ntwo\n"
    group = unique("group")
    assert shell.run("consume", topic, "-g", group, "-e").stdout == b"one\ntwo\n"
    assert b"2" in shell.run("group", "lag", group).stdout
    shell.run("topic", "delete", topic, "-y")


@pytest.mark.parametrize("plane", ["scram", "token", "certificate"])
def test_a_read_only_context_reads_without_a_coordinator(
    kafka: SecureKafka, plane: str, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    """The third client, for clusters that never had a group, follows the same settings."""
    context = PLANES[plane](kafka)
    topic = unique("records")
    shell = Shell(context, tmp_path)
    shell.run("topic", "create", topic, "-p", "1")
    shell.run("produce", topic, stdin=b"one\n")

    async def read() -> list[bytes | None]:
        part = TopicPartition(topic_name(topic), 0)
        plan = ReadPlan(ranges=(PartitionRange(partition=part, start_offset=0, end_offset=1),))
        async with asyncio.timeout(30), CoordinatorFreeStream(context, plan, deque()) as stream:
            return [record.value async for batch in stream for record in batch]

    assert asyncio.run(read()) == [b"one"]
    shell.run("topic", "delete", topic, "-y")


class Ran(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Shell:
    """Runs commands on one context; no secret may come out of any of them."""

    def __init__(self, context: Context, folder: Path) -> None:
        self.context = context
        self.folder = folder

    def run(self, *words: str, stdin: bytes = b"", code: int = 0) -> Ran:
        out, err = io.BytesIO(), io.BytesIO()
        variables = {"KCON_CONFIG_DIR": str(self.folder), "KCON_STATE_DIR": str(self.folder), "KCON_TRACEBACK": "1"}
        environment = Environment(
            stdin=io.BytesIO(stdin), stdout=out, stderr=err, variables=variables, folder=self.folder
        )
        ran = Ran(run(words, environment, context=self.context), out.getvalue(), err.getvalue())
        assert ran.returncode == code, (words, ran)
        for secret in (*PASSWORDS.values(), "key-secret", "eyJ"):
            assert secret.encode() not in ran.stdout + ran.stderr
        return ran


# --- what is refused, and how that is said --------------------------------------------------------------------

REFUSED: dict[str, tuple[Make, ExitCode, str]] = {
    "wrong password": (
        lambda k: k.with_password("SASL_SSL", "SCRAM-SHA-512", password="wrong"),
        ExitCode.AUTH,
        "refused the SCRAM-SHA-512 credentials of alice",
    ),
    "wrong password, plain": (
        lambda k: k.with_password("SASL_PLAINTEXT", "PLAIN", password="wrong"),
        ExitCode.AUTH,
        "refused the PLAIN credentials of alice",
    ),
    "unknown user": (
        lambda k: k.context(
            "SASL_SSL", mechanism="SCRAM-SHA-256", username="eve", password_env=_PASSWORD_VARIABLE, secret="x"
        ),
        ExitCode.AUTH,
        "credentials of eve",
    ),
    "no password": (
        lambda k: k.context("SASL_SSL", mechanism="PLAIN", username="alice"),
        ExitCode.AUTH,
        "There is no password for alice",
    ),
    "bad token": (
        lambda k: k.context("SASL_SSL", mechanism="OAUTHBEARER", token_cmd="echo not-a-token"),
        ExitCode.AUTH,
        "refused the OAUTHBEARER credentials",
    ),
    "TLS wanted": (
        lambda k: k.context("PLAINTEXT", at="SSL"),
        ExitCode.UNREACHABLE,
        "wants TLS, and this context speaks plain text",
    ),
    "TLS wanted, with SASL": (
        lambda k: replace(k.with_password("SASL_PLAINTEXT", "PLAIN"), bootstrap=(f"localhost:{k.ports['SASL_SSL']}",)),
        ExitCode.UNREACHABLE,
        "wants TLS, and this context speaks plain text",
    ),
    "TLS not spoken": (
        lambda k: k.context("SSL", at="PLAINTEXT"),
        ExitCode.UNREACHABLE,
        "speaks plain text, and this context wants TLS",
    ),
    "SASL wanted": (
        lambda k: k.context("PLAINTEXT", at="SASL_PLAINTEXT"),
        ExitCode.AUTH,
        "wants SASL, and this context has no credentials",
    ),
    "SASL wanted, with TLS": (
        lambda k: k.context("SSL", at="SASL_SSL"),
        ExitCode.AUTH,
        "wants SASL, and this context has no credentials",
    ),
    "SASL not spoken": (
        lambda k: replace(k.with_password("SASL_PLAINTEXT", "PLAIN"), bootstrap=(f"localhost:{k.ports['PLAINTEXT']}",)),
        ExitCode.AUTH,
        "does not authenticate clients on this port",
    ),
    "certificate wanted": (lambda k: k.context("SSL"), ExitCode.AUTH, "wants a client certificate"),
    "certificate refused": (
        lambda k: k.context("SSL", cert=str(k.stranger.both)),
        ExitCode.AUTH,
        "refused this client's certificate",
    ),
    "issuer unknown": (
        lambda k: k.context("SSL", at="OPEN_TLS", ca=None),
        ExitCode.AUTH,
        "issuer of the certificate",
    ),
    "wrong host": (
        lambda k: replace(k.context("SSL", at="OPEN_TLS"), bootstrap=(f"127.0.0.1:{k.ports['OPEN_TLS']}",)),
        ExitCode.AUTH,
        "is not for 127.0.0.1",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_each_refusal_has_its_own_sentence(kafka: SecureKafka, case: str) -> None:
    make, exit_code, words = REFUSED[case]
    with pytest.raises(KconError) as caught:
        list_topics(make(kafka))
    assert words in caught.value.message
    assert caught.value.exit_code == exit_code
    assert caught.value.hint
    assert not any(password in f"{caught.value.message} {caught.value.hint}" for password in PASSWORDS.values())


def test_what_is_not_allowed_names_the_right_and_the_resource(kafka: SecureKafka, tmp_path: Path) -> None:
    """Bob authenticates and may do nothing: each answer says what he lacks, with the exit code for it."""
    admin = Shell(kafka.with_password("SASL_SSL", "PLAIN"), tmp_path)
    admin.run("topic", "create", "private", "-p", "1")
    admin.run("produce", "private", stdin=b"one\n")
    bob = Shell(kafka.with_password("SASL_SSL", "PLAIN", "bob"), tmp_path)
    for words, right in (
        (("topic", "create", "more"), "CREATE on the topic"),
        (("topic", "describe", "private"), "DESCRIBE on the topic"),
        (("topic", "delete", "private", "-y"), "DELETE on the topic"),
        (("consume", "private", "-e"), "DESCRIBE on the topic"),
        (("produce", "private", "x"), "DESCRIBE on the topic"),
        (("group", "describe", "some"), "DESCRIBE on the group"),
    ):
        ran = bob.run(*words, code=4)
        assert right in ran.stderr.decode(), (words, ran)


@pytest.mark.parametrize("plane", ["scram", "token", "certificate"])
def test_a_context_is_tested_step_by_step(kafka: SecureKafka, plane: str, tmp_path: Path) -> None:
    items = json.loads(Shell(PLANES[plane](kafka), tmp_path).run("context", "test", "--output", "json").stdout)["items"]
    assert [(item["plane"], item["step"], item["result"]) for item in items] == [
        ("admin", "secrets", "ok"),
        ("admin", "resolve", "ok"),
        ("admin", "connect", "ok"),
        ("admin", "latency", "ok"),
        ("admin", "clock", "ok"),
        ("records", "connect", "ok"),
    ]
    assert "TLSv1.3" in items[2]["detail"]


def test_a_delegation_token_is_made_renewed_and_ended(kafka: SecureKafka, tmp_path: Path) -> None:
    """Its secret is in a file of 0600 and in no output."""
    alice = Shell(kafka.with_password("SASL_SSL", "SCRAM-SHA-256"), tmp_path)
    file = tmp_path / "token.pw"
    words = ("token", "create", "--secret-file", str(file), "--renewer", "User:bob", "--max-life", "1h")
    made = alice.run(*words, "--output", "json", "-y")
    (token,) = json.loads(made.stdout)["items"]
    secret = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret not in made.stdout.decode() + made.stderr.decode()
    assert (token["owner"], token["renewers"]) == ("User:alice", ["User:bob"])
    again = alice.run(*words, "-y", code=1)
    assert "exists already" in again.stderr.decode()
    until = time.monotonic() + 20
    while token["token_id"] not in alice.run("token", "list", "alice", "-o", "name").stdout.decode():
        assert time.monotonic() < until, "the token did not show"
    alice.run("token", "renew", token["token_id"], "--for", "30m", "-y")
    assert alice.run("token", "list", "nobody", "-o", "name").stdout == b""
    alice.run("token", "expire", token["token_id"], "-y")
    while alice.run("token", "list", "alice", "-o", "name").stdout:
        assert time.monotonic() < until, "the token did not go"
    gone = alice.run("token", "expire", token["token_id"], "-y", code=5)
    assert "you may not see it" in gone.stderr.decode()


def test_a_context_that_does_not_work_says_at_which_step(kafka: SecureKafka, tmp_path: Path) -> None:
    shell = Shell(kafka.with_password("SASL_SSL", "PLAIN", password="wrong"), tmp_path)
    ran = shell.run("context", "test", "--output", "json", code=4)
    assert [item["step"] for item in json.loads(ran.stdout)["items"] if item["result"] == "failed"] == ["connect"]


def test_librdkafka_says_what_it_was_refused_for(kafka: SecureKafka) -> None:
    """The admin plane usually says it first; a record plane that fails alone must not only time out."""
    with pytest.raises(KconError) as caught:
        reach(kafka.with_password("SASL_SSL", "SCRAM-SHA-512", password="wrong"), 10.0)
    assert caught.value.exit_code == ExitCode.AUTH
    assert "SCRAM-SHA-512" in caught.value.message


def test_reading_and_writing_without_the_right_name_it(
    kafka: SecureKafka, kafka_tool: Callable[..., Any], tmp_path: Path, unique: Callable[[str], str]
) -> None:
    """Who may see a topic and not its records learns so from librdkafka, in the middle of a command."""
    topic = unique("seen")
    admin = Shell(kafka.with_password("SASL_SSL", "PLAIN"), tmp_path)
    admin.run("topic", "create", topic, "-p", "1")
    admin.run("produce", topic, stdin=b"one\n")
    address = f"127.0.0.1:{kafka.ports['PLAINTEXT']}"
    words = ("--add", "--allow-principal", "User:bob", "--operation", "Describe", "--topic", topic)
    assert kafka_tool("kafka-acls", "--bootstrap-server", address, *words).code == 0
    listed = ("kafka-acls", "--bootstrap-server", address, "--list", "--topic", topic)
    assert "User:bob" in until(lambda ran: "User:bob" in ran.out, kafka_tool, *listed).out
    bob = Shell(kafka.with_password("SASL_SSL", "PLAIN", "bob"), tmp_path)
    assert bob.run("topic", "list", topic, "-o", "name").stdout == f"{topic}\n".encode()
    described = bob.run("topic", "describe", topic, code=4)
    assert "DESCRIBE_CONFIGS on the topic" in described.stderr.decode()
    assert "READ on the topic" in bob.run("consume", topic, "-e", code=4).stderr.decode()
    assert "WRITE on the topic" in bob.run("produce", topic, "x", code=4).stderr.decode()


@pytest.fixture
def token_endpoint() -> Iterator[tuple[str, list[int]]]:
    """Yield the address of an identity provider, and the number of tokens it gave out, as the items of a list."""
    given: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            wanted = "Basic " + base64.b64encode(b"kcon:client-secret").decode()
            allowed = self.headers["Authorization"] == wanted
            given.append(1 if allowed else 0)
            self.send_response(200 if allowed else 401)
            self.end_headers()
            answer = {"access_token": unsecured_token("alice"), "expires_in": 3600} if allowed else {"error": "no"}
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token", given
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_one_token_of_an_endpoint_serves_both_planes(
    kafka: SecureKafka, token_endpoint: tuple[str, list[int]], tmp_path: Path, unique: Callable[[str], str]
) -> None:
    url, given = token_endpoint
    settings: dict[str, Any] = {"mechanism": "OAUTHBEARER", "token_url": url, "client_id": "kcon"}
    settings |= {"password_env": _PASSWORD_VARIABLE}
    shell = Shell(kafka.context("SASL_SSL", secret="client-secret", **settings), tmp_path)
    topic = unique("tokens")
    shell.run("topic", "create", topic, "-p", "1")
    shell.run("produce", topic, stdin=b"one\n")
    assert shell.run("consume", topic, "-e").stdout == b"one\n"
    shell.run("topic", "delete", topic, "-y")
    assert given == [1]
    wrong = Shell(kafka.context("SASL_SSL", secret="wrong-secret", **settings), tmp_path)
    assert b"answered 401 to client kcon" in wrong.run("topic", "list", code=4).stderr
