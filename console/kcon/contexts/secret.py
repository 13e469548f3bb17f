"""What holds a password or a token while it is used? `Secret`: nothing that prints, logs or copies shows it."""

from typing import NoReturn, final

HIDDEN = "********"


@final
class Secret:
    """Text that only `reveal()` gives away. Compared in constant time; cannot be pickled, and has no hash."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the one call that needs it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        import hmac  # Here alone: it loads OpenSSL, which a command without secrets needs not.

        return isinstance(other, Secret) and hmac.compare_digest(_bytes(self), _bytes(other))

    __hash__ = None  # type: ignore[assignment]  # A hash of a secret helps to guess it.

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def _bytes(secret: Secret) -> bytes:
    return secret.reveal().encode("utf-8", "surrogatepass")
