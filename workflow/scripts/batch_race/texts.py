"""Texts from outside, which may be shown on a terminal, in a chart and in a page."""

import unicodedata

_HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of control characters, surrogates, and separators of lines."""

_BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Bidirectional classes of the characters that reorder those around them."""


def is_plain(text: str) -> bool:
    """Return whether a text has no characters that act on a terminal or are not allowed in XML."""
    return text.isprintable() or all(map(_is_plain, text))


def quote(text: str, length: int = 60) -> str:
    """Return a text in quotes, cut to a length, with escapes for what is not printable."""
    return ascii(text[:length])[:-1] + ("…'" if len(text) > length else "'")


def _is_plain(character: str) -> bool:
    code = ord(character)
    is_character = code & 0xFFFE != 0xFFFE and not 0xFDD0 <= code <= 0xFDEF
    return (
        is_character
        and unicodedata.category(character) not in _HIDDEN
        and unicodedata.bidirectional(character) not in _BIDIRECTIONAL
    )
