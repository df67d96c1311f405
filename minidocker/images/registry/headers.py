"""Headers of a registry's answers, read: which proof it wants, how long to wait, what is next."""

from __future__ import annotations

import email.utils
import re
import time
from urllib.parse import urlsplit

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


def next_page(text: str) -> str:
    """Read Link: the path of the next page at the same registry; "" where this is the last.

    RFC 8288, 3. Another host's name in it counts for nothing.
    """
    for place, words in re.findall(r"<([^>]*)>([^<]*)", text):
        if re.search(r"""\brel\s*=\s*["']?next\b""", words, re.IGNORECASE):
            try:
                found: str = urlsplit(place)._replace(scheme="", netloc="", fragment="").geturl()
            except ValueError:
                return ""
            return "/" + found.lstrip("/") if found.startswith("/") else found
    return ""
