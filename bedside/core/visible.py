"""Text from strangers, made safe for a terminal."""

from __future__ import annotations

__all__ = ["visible"]

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_SHOWN = {
    code: repr(chr(code))[1:-1] for code in (*_CONTROLS, *_DIRECTIONS) if chr(code) not in "\n\t"
}


def visible(text: str) -> str:
    r"""The text with control and direction characters written out, such as ``\\x1b``.

    Newlines and tabs stay as they are.
    """
    return text.translate(_SHOWN)
