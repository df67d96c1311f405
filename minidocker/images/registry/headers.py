"""Headers of a registry's answers, read: which proof it wants, and how long we shall wait."""

from __future__ import annotations

import email.utils
import re
import time

PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')


def challenges(headers: list[str]) -> dict[str, dict[str, str]]:
    """Read WWW-Authenticate: scheme in small letters → its words. RFC 9110, 11.6.1"""
    found: dict[str, dict[str, str]] = {}
    for header in headers:
        starts = list(re.finditer(r"(?:^|,)\s*(Bearer|Basic)\b", header, re.IGNORECASE))
        for number, start in enumerate(starts):
            end = starts[number + 1].start() if number + 1 < len(starts) else len(header)
            words = PARAMETER.findall(header[start.end() : end])
            found[start[1].lower()] = {key.lower(): a or b for key, a, b in words}
    return found


def retry_after(text: str) -> float:
    """Read Retry-After: seconds, or a date; 0 where there is none."""
    if text.isdecimal():
        return min(float(text), 1e6)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0
