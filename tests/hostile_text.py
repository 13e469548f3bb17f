"""The corpus of text that a terminal must never act on: names, values and messages as an attacker would send them.

`CORPUS` holds more than 300 strings of 16 kinds. All of them may come over the wire, as bytes that are not UTF-8 do
(lone surrogates of `surrogateescape`).
"""

from itertools import product

ESC, CSI, OSC, DCS, APC, PM, SOS, ST = "\x1b", "\x9b", "\x9d", "\x90", "\x9f", "\x9e", "\x98", "\x9c"
_ENDS = ("\x07", f"{ESC}\\", ST, "")
"""How a string sequence ends: BEL, ST in 7 bits, ST in 8 bits, not at all."""

_CSI_BODIES = (
    *("2J", "3J", "H", "1;1H", "6n", "c", ">c", "=c", "5n", "?6n", "?1049h", "?1049l", "?25l", "?2004h", "?1000h"),
    *("?1003h", "0m", "31;42m", "8m", "38;2;0;0;0m", "1T", "1S", "1000A", "1000B", "1000C", "1000D", "1000G"),
    *("1L", "1M", "1P", "1@", "4h", "20h", "s", "u", "r", "5;10r", "i", "5i", "4i", "18t", "21t", "14t", "8;1;1t"),
    *("0;0;0~", "!p", '61"p', "1;1;1;1$z", "1$w", "?996n", ">q", ">1u", "?u", "=5;1u", "2;1;1;1$r", "0q", " q"),
)
_OSC_BODIES = (
    *("0;owned", "1;owned", "2;owned", "4;0;?", "10;?", "11;?", "12;?", "104", "7;file:///etc", "9;notify"),
    *("52;c;cm0gLXJmIC8=", "52;c;?", "52;p;eA==", "8;;http://evil", "8;id=a;file:///etc/passwd", "777;notify;a;b"),
    *("1337;File=inline=1:AAAA", "1337;SetProfile=x", "1337;CopyToClipboard=", "50;?", "133;A", "633;E;rm -rf /"),
    *("99;;x", "22;pointer", "3;prop=x", "P0ff0000", "R"),
)
_DCS_BODIES = ("q#0;2;0;0;0#0!99~-", '$q"p', "+q544e", "tmux;\x1b\x1b]0;x\x07", "=1s", "1$r0m", "{x", "|00/41")
_STRING_BODIES = ("Gf=100,a=T;AAAA", "owned", "")
_SINGLE = tuple(f"{ESC}{char}" for char in "cDEHMNOPVWXZ\\]^_789=>lmno|}~<(#%*+-./ ")
_C0 = tuple(chr(code) for code in (*range(0x09), *range(0x0B, 0x20), 0x7F) if code != 0x1B)
_C1 = tuple(chr(code) for code in range(0x80, 0xA0))
_BIDI = tuple(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C))
_ZERO_WIDTH = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u180e", "\u2028", "\u2029", "\ufff9")
_TAGS = tuple(chr(code) for code in (0xE0001, 0xE0020, 0xE0041, 0xE007F))
_SURROGATES = ("\udc80", "\udcff", "\udc9b2J", "\udc9d0;x\udc9c", "a\udcc3(", "\udce2\udc80")
_MARKUP = (
    *("[@click=app.quit]x[/]", "[bold red]x[/]", "[link=file:///etc]x[/link]", "[/]", "[", "]]", "\\[x]", "[on red]"),
    *("%(name)s", "{0}", "${x}", "$(touch x)", "`touch x`", "'; touch x; '", '"; touch x; "', "<script>", "&amp;"),
)
_MIXED = (
    *(
        f"safe\r{ESC}[2Krm -rf /",
        f"a\x08\x08\x08{ESC}[1D",
        f"{ESC}[3{CSI}2J",
        f"{ESC}]0;{ESC}[2J\x07",
        f"{ESC}{ESC}[2J",
    ),
    *(f"{ESC}[2", f"{ESC}]52;c;", f"{ESC}", f"{ESC}[", f"x{ESC}", f"\x18{ESC}[2J", f"{ESC}\x18[2J", "\t\n\x0b", "a\nb"),
    *("a\tb", " lead", "trail ", "", "\x00", "日本語" + ESC, "e\u0301" * 3, "👩\u200d👩\u200d👧", "\u202egnp.exe"),
)


def _corpus() -> tuple[str, ...]:
    found = [f"{start}{body}" for body, start in product(_CSI_BODIES, (f"{ESC}[", CSI))]
    for (seven, eight), bodies in (
        ((f"{ESC}]", OSC), _OSC_BODIES),
        ((f"{ESC}P", DCS), _DCS_BODIES),
        ((f"{ESC}_", APC), _STRING_BODIES),
        ((f"{ESC}^", PM), _STRING_BODIES),
        ((f"{ESC}X", SOS), _STRING_BODIES),
    ):
        found += [f"{seven if index % 2 else eight}{body}{end}" for body in bodies for index, end in enumerate(_ENDS)]
    for kind in (_SINGLE, _C0, _C1, _BIDI, _ZERO_WIDTH, _TAGS, _SURROGATES):
        found += [f"a{text}b" for text in kind]
    return tuple(dict.fromkeys([*found, *_MARKUP, *_MIXED]))


CORPUS = _corpus()


def is_forbidden(data: bytes, *, erasing: bool = True) -> str | None:
    """Return what in the bytes that reached a terminal it would act on, or None.

    erasing: kcon's own way to replace a line of progress, `CR ESC [ K`, may be there.
    """
    if erasing:
        data = data.replace(b"\r\x1b[K", b"")
    data = data.replace(b"\r\n", b"\n")  # The terminal's own line ends.
    text = data.decode("utf-8", "surrogateescape")
    for index, char in enumerate(text):
        code = ord(char)
        bad = (code < 0x20 and char not in "\n\t") or 0x7F <= code < 0xA0 or 0xDC80 <= code <= 0xDCFF
        if bad or char in {*_BIDI, *_ZERO_WIDTH, *_TAGS}:
            return f"U+{code:04X} in {text[max(0, index - 30) : index + 30]!r}"
    return None
