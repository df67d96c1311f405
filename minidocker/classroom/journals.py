"""What a learner's own journal tells of their work: it is their text, and may say anything."""

from __future__ import annotations

import json
from typing import Any

from minidocker.classroom.archives import Member
from minidocker.lab import sayings

FILE = ".minidocker/progress.jsonl"
MOST = 8 << 20


def told_by(member: Member) -> tuple[list[Any], dict[str, dict[str, str]]]:
    """Return what a journal tells: (gradings, of them with a fail, borrowed functions), sayings.

    Of the sayings what was said in lesson 00, and what was said last in another one.
    """
    gradings, failed, borrowed = 0, 0, set()
    said: dict[str, dict[str, str]] = {"before": {}, "after": {}}
    try:
        lines = b"" if member.why else member.take(MOST)
    except Exception:  # as in text_or_why: no common class, and no journal is no reason
        lines = b""
    for line in lines.splitlines():
        try:
            entry = json.loads(line)
            gradings += entry["do"] == "grade"
            failed += entry["do"] == "grade" and bool(entry["message"])
            if entry["do"] == "borrow":
                borrowed.add(str(entry["function"])[:80])
            if entry["do"] == "sayings":
                when = "before" if entry["lesson"] == sayings.BEFORE else "after"
                said[when] = {text: entry["answers"][text] for _, text in sayings.SAYINGS
                              if entry["answers"].get(text) in sayings.VERDICTS}  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return [gradings, failed, sorted(borrowed)[:50]], said if any(said.values()) else {}
