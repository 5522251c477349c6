"""Which alphabet the bytes of a text file are in.

Unicode is recognised by its own marks. For the rest there is no proof, only likelihood: of the single-byte alphabets
that Russian and Western programs write, the one in which the bytes make words.
"""

import codecs
import itertools
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_CYRILLIC_PAGES = ("cp1251", "cp866", "koi8-r")

# pages that nothing in a file proves
GUESSED = frozenset({*_CYRILLIC_PAGES, "cp1252"})

# two bytes a letter; none of them proves itself, and Russian text is never all of even words
_EAST_ASIAN_PAGES = ("gb18030", "shift_jis", "big5", "euc_kr", "euc_jp")
_WIDE = ((0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFF00, 0xFFEF))  # signs, kana, Chinese, Korean
_FEWEST_WIDE = 10
_FEW_RUSSIAN = 0.8  # of the letters above 127: a Russian text has more

# nine of ten letters of a Russian text are among these
_FREQUENT = frozenset("оеаинтсрвлкмдпуяыьгзбОЕАИНТСРВЛКМДП")

_LONG_FOR_A_LINE = 1 << 12

_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x0b\x1a\x1f")


@dataclass(frozen=True)
class Encoding:
    """A name that Python's codecs know, and how many bytes of mark precede the text."""

    name: str
    mark: int = 0


def detect_encoding(head: bytes) -> Encoding | None:
    """The encoding of a file that begins with `head`; None when this is no text at all."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, len(mark))
    wide = _unmarked_utf16(head)
    if wide is not None:
        return Encoding(wide)
    if _is_binary(head):
        return None
    if looks_like_utf8(head):
        return Encoding("utf-8")
    # a mainframe's code page, or another one in which not even a line end stands where it should
    return None if _has_no_line_end(head) else Encoding(single_byte_page(head))


def _unmarked_utf16(head: bytes) -> str | None:
    # digits, separators and line ends have a zero byte in UTF-16: in the odd places when little-endian
    half = len(head) // 2
    if half < 2:
        return None
    even, odd = head[0::2].count(0) / half, head[1::2].count(0) / half
    if odd > 0.15 and even < 0.01:
        return "utf-16-le"
    if even > 0.15 and odd < 0.01:
        return "utf-16-be"
    return None


def _has_no_line_end(head: bytes) -> bool:
    return len(head) > _LONG_FOR_A_LINE and b"\n" not in head and b"\r" not in head


def _is_binary(head: bytes) -> bool:
    controls = sum(head.count(code) for code in range(32) if code not in _TEXT_CONTROLS)
    return controls > len(head) / 100


def looks_like_utf8(sample: bytes) -> bool:
    """Whether the bytes are UTF-8, a few damaged characters in a text full of good ones forgiven."""
    text = codecs.getincrementaldecoder("utf-8")(errors="replace").decode(sample, final=False)
    damaged = text.count("\N{REPLACEMENT CHARACTER}")
    if damaged == 0:
        return True
    good = sum(1 for sign in text if ord(sign) > 127) - damaged
    return good > 20 * damaged


def single_byte_page(sample: bytes) -> str:
    """The single-byte alphabet in which the bytes above 127 make most sense: Russian ones, else Western cp1252."""
    high = bytes(byte if byte > 127 else 32 for byte in sample[: 1 << 16])
    words = [word for word in high.split() if len(word) > 1]
    if sum(map(len, words)) < sum(byte > 127 for byte in high) / 2:
        return "cp1252"  # lone accented letters inside Latin words: Café, Müller
    joined = b" ".join(words)
    return max(_CYRILLIC_PAGES, key=lambda page: _frequency(joined.decode(page, errors="replace")))


def _frequency(text: str) -> int:
    # a wrong page turns small letters into capitals: reward a small letter after any letter
    small = sum(1 for before, sign in itertools.pairwise(text) if before.isalpha() and sign.islower())
    return sum(1 for sign in text if sign in _FREQUENT) + small


def looks_east_asian(sample: bytes) -> bool:
    """Whether the bytes, which are not Unicode, read as Chinese, Japanese or Korean and hardly as Russian."""
    high = bytes(byte for byte in sample if byte > 127)
    russian = high.decode(single_byte_page(sample), errors="replace")
    if sum("а" <= sign.lower() <= "я" for sign in russian) > _FEW_RUSSIAN * len(russian):
        return False
    return any(_is_wide_text(sample, page) for page in _EAST_ASIAN_PAGES)


def _is_wide_text(sample: bytes, page: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(page)().decode(sample, final=False)
    except UnicodeDecodeError:
        return False
    beyond = [ord(sign) for sign in text if ord(sign) > 127]
    wide = sum(any(low <= code <= high for low, high in _WIDE) for code in beyond)
    return wide >= _FEWEST_WIDE and wide >= 0.9 * len(beyond)
