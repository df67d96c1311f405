"""The sentences that a check can say, by their codes; they stand in the lessons' manifests.

MD01nn belongs to lesson 01, MD90nn to all. Codes stay; words may improve. Sentences have 20 words
or fewer. What was run, expected and seen stands below the sentence.
"""

from __future__ import annotations

import functools
from typing import Any

from minidocker.course import manifest


@functools.cache
def every() -> dict[str, str]:
    """Return code → template, of the course that this package belongs to."""
    return manifest.load(manifest.OWN_COURSE).messages


def sentence(code: str, **facts: Any) -> str:
    """Fill the sentence of a code with facts; an unknown code is the grader's own fault."""
    return every()[code].format(**facts).strip()
