"""SCRAM against a server written from RFC 5802, whose every field is then changed: nothing changed may be believed."""

import base64
import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kcon.admin.sasl_scram import HASHES, ITERATIONS_MAX, ITERATIONS_MIN, MESSAGE_BYTES_MAX, ScramExchange
from kcon.contexts.secret import Secret
from kcon.errors import AuthError

NONCE = "rOprNGfwEbeRWgbNEkqO"
SALT = b"A salt of 16 byt"
MECHANISMS = sorted(HASHES)


class Server:
    """The server's half of one exchange. It checks the client's proof."""

    def __init__(self, mechanism: str, password: str, iterations: int = ITERATIONS_MIN) -> None:
        self.hash = HASHES[mechanism]
        self.salted = hashlib.pbkdf2_hmac(self.hash, password.encode(), SALT, iterations)
        self.iterations = iterations
        self.first_text = ""
        self.bare = ""

    def first(self, client_first: bytes) -> bytes:
        text = client_first.decode()
        assert text.startswith("n,,")
        self.bare = text[3:]
        nonce = dict(part.split("=", 1) for part in self.bare.split(","))["r"]
        self.first_text = f"r={nonce}servernonce,s={base64.b64encode(SALT).decode()},i={self.iterations}"
        return self.first_text.encode()

    def final(self, client_final: bytes) -> bytes:
        without_proof, _, proof = client_final.decode().rpartition(",p=")
        auth_message = f"{self.bare},{self.first_text},{without_proof}".encode()
        client_key = hmac.digest(self.salted, b"Client Key", self.hash)
        stored = hashlib.new(self.hash, client_key).digest()
        signature = hmac.digest(stored, auth_message, self.hash)
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
        if hashlib.new(self.hash, key).digest() != stored:
            return b"e=invalid-proof"
        server_key = hmac.digest(self.salted, b"Server Key", self.hash)
        return b"v=" + base64.b64encode(hmac.digest(server_key, auth_message, self.hash))


def client(mechanism: str = "SCRAM-SHA-256", password: str = "pencil", username: str = "user") -> ScramExchange:
    return ScramExchange(mechanism, username, Secret(password), NONCE)


def test_the_example_of_rfc_7677() -> None:
    """RFC 7677 §3, byte for byte."""
    exchange = client()
    assert exchange.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    server_first = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert exchange.reply(server_first) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert exchange.reply(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") is None
    assert exchange.is_done


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("username", ["user", "a=b,c", "="])
def test_both_sides_are_satisfied(mechanism: str, username: str) -> None:
    exchange, server = client(mechanism, username=username), Server(mechanism, "pencil")
    assert exchange.reply(server.final(exchange.reply(server.first(exchange.first())) or b"")) is None
    assert exchange.is_done
    escaped = username.replace("=", "=3D").replace(",", "=2C")
    assert server.bare == f"n={escaped},r={NONCE}"


def test_a_wrong_password_is_refused_by_the_server() -> None:
    exchange, server = client(password="other"), Server("SCRAM-SHA-256", "pencil")
    proof = exchange.reply(server.first(exchange.first()))
    with pytest.raises(AuthError, match="refused the proof"):
        exchange.reply(server.final(proof or b""))
    assert not exchange.is_done


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("r=", "r=x", 1), "nonce"),
        (lambda text: text.replace("servernonce", ""), "nonce"),
        (lambda text: text.replace(NONCE, NONCE[::-1]), "nonce"),
        (lambda text: text.replace("i=4096", f"i={ITERATIONS_MIN - 1}"), "iterations"),
        (lambda text: text.replace("i=4096", "i=1"), "iterations"),
        (lambda text: text.replace("i=4096", f"i={ITERATIONS_MAX + 1}"), "iterations"),
        (lambda text: text.replace("i=4096", "i=9999999999"), "iterations"),
        (lambda text: text.replace("i=4096", "i=99999999999"), "RFC 5802"),
        (lambda text: text.replace("i=4096", "i=-1"), "RFC 5802"),
        (lambda text: text.replace("i=4096", "i=04096"), "RFC 5802"),
        (lambda text: "m=must," + text, "RFC 5802"),
        (lambda text: text.replace("s=", "s=="), "base64|RFC 5802"),
        (lambda _: "e=unknown-user", "RFC 5802"),
        (lambda _: "", "RFC 5802"),
        (lambda text: text + "," + "x" * MESSAGE_BYTES_MAX, "too long"),
    ],
)
def test_a_changed_first_message_is_refused_before_a_proof_is_made(change: Callable[[str], str], words: str) -> None:
    exchange, server = client(), Server("SCRAM-SHA-256", "pencil")
    changed = change(server.first(exchange.first()).decode())
    with pytest.raises(AuthError, match=words):
        exchange.reply(changed.encode())


def test_the_bounds_of_iterations_are_accepted() -> None:
    for iterations in (ITERATIONS_MIN, ITERATIONS_MAX):
        exchange, server = client(), Server("SCRAM-SHA-256", "pencil", iterations)
        assert exchange.reply(server.final(exchange.reply(server.first(exchange.first())) or b"")) is None


def test_a_replayed_answer_is_refused() -> None:
    """CVE-2024-56128: what one exchange proved must prove nothing in the next."""
    exchange, server = client(), Server("SCRAM-SHA-256", "pencil")
    first = server.first(exchange.first())
    final = server.final(exchange.reply(first) or b"")
    other = ScramExchange("SCRAM-SHA-256", "user", Secret("pencil"), "anotherNonce")
    with pytest.raises(AuthError, match="replay"):
        other.reply(first)
    third = ScramExchange("SCRAM-SHA-256", "user", Secret("pencil"), "anotherNonce")
    third.reply(Server("SCRAM-SHA-256", "pencil").first(third.first()))
    with pytest.raises(AuthError, match="impostor"):
        third.reply(final)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@given(place=st.integers(min_value=0, max_value=10_000), bit=st.integers(min_value=0, max_value=7))
def test_a_signature_with_any_bit_changed_is_refused(mechanism: str, place: int, bit: int) -> None:
    exchange, server = client(mechanism), Server(mechanism, "pencil")
    signature = base64.b64decode(server.final(exchange.reply(server.first(exchange.first())) or b"")[2:])
    changed = bytearray(signature)
    changed[place % len(changed)] ^= 1 << bit
    with pytest.raises(AuthError, match="impostor"):
        exchange.reply(b"v=" + base64.b64encode(bytes(changed)))
    assert not exchange.is_done


@given(st.binary(max_size=200))
def test_no_other_final_message_is_believed(message: bytes) -> None:
    exchange, server = client(), Server("SCRAM-SHA-256", "pencil")
    final = server.final(exchange.reply(server.first(exchange.first())) or b"")
    assume(not message.startswith(final))
    with pytest.raises(AuthError):
        exchange.reply(message)
    assert not exchange.is_done


@given(st.binary(max_size=200))
def test_any_first_message_is_an_auth_error_or_goes_on_from_our_nonce(message: bytes) -> None:
    exchange = client()
    try:
        answer = exchange.reply(message)
    except AuthError:
        return
    assert answer is not None
    assert message.startswith(f"r={NONCE}".encode())


def test_a_server_without_the_password_cannot_answer() -> None:
    exchange, impostor = client(), Server("SCRAM-SHA-256", "guess")
    exchange.reply(impostor.first(exchange.first()))
    forged = hmac.digest(hmac.digest(impostor.salted, b"Server Key", "sha256"), b"anything", "sha256")
    with pytest.raises(AuthError, match="impostor"):
        exchange.reply(b"v=" + base64.b64encode(forged))


def test_nothing_follows_the_end() -> None:
    exchange, server = client(), Server("SCRAM-SHA-256", "pencil")
    final = server.final(exchange.reply(server.first(exchange.first())) or b"")
    exchange.reply(final)
    with pytest.raises(AuthError, match="out of order"):
        exchange.reply(final)
