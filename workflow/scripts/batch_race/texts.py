"""Texts from outside, which may be shown on a terminal, in a chart and in a page."""

import unicodedata

_HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of control characters, surrogates, and separators of lines."""

_BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Bidirectional classes of the characters that reorder those around them."""


def is_plain(text: str) -> bool:
    """Return whether a text has no characters that act on a terminal or are not allowed in XML."""
    return text.isprintable() or all(map(_is_plain, text))


def escape(text: str) -> str:
    """Return a text with escapes, as in `repr`, in place of the characters that are not plain."""
    return "".join(each if _is_plain(each) else ascii(each)[1:-1] for each in text)


def quote(text: str, length: int = 60) -> str:
    """Return a text in quotes, escaped and cut to a length."""
    cut = text if len(text) <= length else f"{text[: length - 1]}…"
    return f"'{escape(cut)}'"


def _is_plain(character: str) -> bool:
    code = ord(character)
    is_character = code & 0xFFFE != 0xFFFE and not 0xFDD0 <= code <= 0xFDEF
    return (
        is_character
        and unicodedata.category(character) not in _HIDDEN
        and unicodedata.bidirectional(character) not in _BIDIRECTIONAL
    )
