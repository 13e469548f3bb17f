"""RFC 4013 §3 has the examples; the corner cases are those of its tables."""

import pytest

from kcon.core.saslprep import saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),  # RFC 4013 §3: a soft hyphen is mapped to nothing.
        ("user", "user"),
        ("USER", "USER"),  # No case folding.
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("\u0007", None),  # Prohibited: a control character.
        ("\u0627\u0031", None),  # Right-to-left text must end so.
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
        ("a\u0627", None),
        ("a\u00a0b", "a b"),
        ("\u3000", " "),
        ("\ud800", None),
        ("\ue000", None),
        ("\u200e", None),
        ("", ""),
        ("pässword €", "pässword €"),
    ],
)
def test_examples(text: str, prepared: str | None) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize("text", ["I\u00adX", "\u2168", "a\u00a0b", "ﬁne"])
def test_prepared_text_stays_as_it_is(text: str) -> None:
    prepared = saslprep(text)
    assert prepared is not None
    assert saslprep(prepared) == prepared
