"""Is a stretch of bytes UTF-8? For the kernel, by RFC 3629, section 4."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kafka_cluster.compiled import compiled

_ASCII_END = 0x80
_LEAD_2, _LEAD_3, _LEAD_4, _LEAD_LAST = 0xC2, 0xE0, 0xF0, 0xF4  # first bytes of sequences of that many bytes
_LEAD_SURROGATES = 0xED


@compiled
def second_byte_fits(lead: int, byte: int) -> bool:
    """True if the byte after `lead` makes the shortest form of a character that is there: no surrogate, U+10FFFF."""
    if lead == _LEAD_3:
        return 0xA0 <= byte <= 0xBF  # noqa: PLR2004 - the bounds of RFC 3629, section 4
    if lead == _LEAD_SURROGATES:
        return 0x80 <= byte <= 0x9F  # noqa: PLR2004 - as above
    if lead == _LEAD_4:
        return 0x90 <= byte <= 0xBF  # noqa: PLR2004 - as above
    return 0x80 <= byte <= (0x8F if lead == _LEAD_LAST else 0xBF)  # noqa: PLR2004 - as above


@compiled
def is_utf8(data: npt.NDArray[np.uint8], at: int, stop: int) -> bool:
    """True for well-formed UTF-8: shortest form, no surrogates, nothing above U+10FFFF."""
    while at < stop:
        lead = data[at]
        at += 1
        if lead < _ASCII_END:
            continue
        if lead < _LEAD_2 or lead > _LEAD_LAST:
            return False
        more = 1 + (lead >= _LEAD_3) + (lead >= _LEAD_4)
        if at + more > stop or not second_byte_fits(lead, data[at]):
            return False
        for k in range(1, more):
            if data[at + k] & 0xC0 != _ASCII_END:
                return False
        at += more
    return True
