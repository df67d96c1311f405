"""The learner's own record: one JSON line for each thing done, in .minidocker/progress.jsonl.

It is only ever appended to, lies in the learner's tree, and git does not see it. What was written
under the course's first numbers is read as if it had been written today (renumbered.py). What was
learned from it (which lesson failed last, which hint comes next) is computed when asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minidocker.course import renumbered
from minidocker.course.outcomes import FAIL, NOT_STARTED, OF_THE_FILE, PASS, Result

FOLDER = ".minidocker"


class Journal:
    """The record of one course tree."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self.path = self.folder / "progress.jsonl"

    def entries(self) -> list[dict[str, Any]]:
        """Return all entries, oldest first; damaged lines (a crash) are skipped, with a word."""
        found, damaged = [], 0
        for line in _text(self.path).splitlines():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                entry = None
            if _whole(entry):
                found.append(entry)
            else:
                damaged += bool(line.strip())
        if damaged and str(self.path) not in _warned:
            _warned.add(str(self.path))
            lines = "1 line is" if damaged == 1 else f"{damaged} lines are"
            print(f"{FOLDER}/{self.path.name}: {lines} damaged and skipped.", file=sys.stderr)
        return renumbered.read(self.folder.parent, found)

    def add(self, do: str, **facts: Any) -> None:
        """Append one entry; a tree that cannot be written to loses the entry, and nothing else."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        entry = {"at": at, "do": do, "numbers": renumbered.NUMBERS, **facts}
        try:
            self.own(self.folder, directory=True)
            how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            with open(os.open(self.path, how, 0o644), "a", encoding="utf-8") as file:
                file.write(_gap(self.path) + json.dumps(entry) + "\n")
            self.own(self.path)
        except OSError:
            pass

    def replace(self, path: Path, text: str) -> Path | None:
        """Put a text at a learner's path; return where what lay there is kept, None for nothing.

        Whatever it is, a link or a file in another encoding, it is moved and never written into.
        """
        new = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            with open(new, "x", encoding="utf-8") as file:
                file.write(text)
            self.own(new)
            kept = self._kept(path)
            os.rename(new, path)
        finally:
            new.unlink(missing_ok=True)
        return kept

    def _kept(self, path: Path) -> Path | None:
        """Move what lies at a path to the copies."""
        copies = self.folder / "copies"
        self.own(self.folder, directory=True)
        self.own(copies, directory=True)
        begin, number = f"{path.stem}.{time.strftime('%Y%m%d-%H%M%S')}", 1
        copy = copies / f"{begin}{path.suffix}"
        while os.path.lexists(copy):
            number += 1
            copy = copies / f"{begin}-{number}{path.suffix}"
        try:
            os.rename(path, copy)
        except FileNotFoundError:
            return None
        return copy

    def own(self, path: Path, directory: bool = False) -> None:
        """Make a folder; give a path to the owner of the course tree: grading runs as root."""
        if directory:
            path.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            owner = self.folder.parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)

    # --- what it tells -----------------------------------------------------------------

    def graded(
        self, lesson: str, text: str, results: Iterable[Result], kept: Iterable[Result] = ()
    ) -> None:
        """Record a grading of one lesson; `kept` are outcomes of an earlier one."""
        judged, kept = list(results), list(kept)
        last = self.last_grade(lesson)
        same = last is not None and last["digest"] == digest(text)
        old = stale(last) if same and last else [r.check for r in kept]
        results = judged + kept
        self.add(
            "grade", lesson=lesson, digest=digest(text),
            stale=sorted(set(old) - {r.check for r in judged}),
            earned=sum(r.earned for r in results), points=sum(r.points for r in results),
            checks={r.check: [r.outcome, r.code] for r in results},
            message=next((r.message for r in results if r.outcome == FAIL), ""),
        )  # fmt: skip

    def last_grade(self, lesson: str | None = None) -> dict[str, Any] | None:
        """Return the latest grading, of one lesson or of any; a reset lesson was not judged yet."""
        entry: dict[str, Any]
        for entry in reversed(self.entries()):
            if entry["do"] == "reset" and entry["lesson"] == lesson:
                return None
            if entry["do"] == "grade" and lesson in (None, entry["lesson"]):
                return entry
        return None

    def failed(self, lesson: str) -> list[str]:
        """Return the checks that failed when the lesson was judged last."""
        last = self.last_grade(lesson)
        checks = last["checks"] if last else {}
        return [check for check, (what, _) in checks.items() if what == FAIL]

    def first_open(self, lesson: str) -> tuple[str, str] | None:
        """Return (check, code) of what to work on: the first fail, else the first not started."""
        entry = self.last_grade(lesson)
        if entry is None:
            return None
        for wanted in (FAIL, NOT_STARTED):
            for check, (outcome, code) in entry["checks"].items():
                if outcome == wanted:
                    return check, code
        return None

    def hints_taken(self, check: str, code: str) -> int:
        """Return how many hints were shown for this failure since the check last passed."""
        count = 0
        for entry in self.entries():
            if entry["do"] == "hint" and (entry["check"], entry["code"]) == (check, code):
                count = entry["step"]
            if entry["do"] == "grade" and entry["checks"].get(check, [""])[0] == PASS:
                count = 0
        return count

    def failed_edits(self, check: str) -> int:
        """Return how many different texts of the file have failed this check in a row.

        One that Python could not read is no try: no check has seen what it does.
        """
        texts: set[str] = set()
        for entry in self.entries():
            graded = entry["checks"] if entry["do"] == "grade" else {}
            outcome, code = graded.get(check, ["", ""])
            if outcome == FAIL and code not in OF_THE_FILE:
                texts.add(entry["digest"])
            elif outcome == PASS:
                texts.clear()
        return len(texts)

    def borrowed(self, lesson: str) -> set[str]:
        """Return the names that were borrowed in a lesson."""
        names: set[str] = set()
        for entry in self.entries():
            if entry.get("lesson") == lesson and entry["do"] == "borrow":
                names.add(entry["function"])
        return names


_warned: set[str] = set()
_FIELDS: dict[str, dict[str, type]] = {
    "grade": {"lesson": str, "digest": str, "earned": int, "points": int, "checks": dict,
              "message": str},
    "hint": {"lesson": str, "check": str, "code": str, "step": int},
    "borrow": {"lesson": str, "function": str},
    "reset": {"lesson": str},
    "exam": {"ran": dict, "passed": bool},
}  # fmt: skip


def _whole(entry: object) -> bool:
    """Say whether an entry has what its readers rely on."""
    if not isinstance(entry, dict) or not isinstance(entry.get("do"), str):
        return False
    fields = _FIELDS.get(entry["do"], {})
    if not all(isinstance(entry.get(name), kind) for name, kind in fields.items()):
        return False
    return all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
        for pair in entry.get("checks", {}).values()
    )


def _text(path: Path) -> str:
    """Return the text of a regular file; "" when there is none, or something else is there."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with open(fd, encoding="utf-8", errors="replace") as file:
        return file.read() if stat.S_ISREG(os.fstat(fd).st_mode) else ""


def _gap(path: Path) -> str:
    """Return the line feed that a writer which was killed has left out."""
    text = _text(path)
    return "" if not text or text.endswith("\n") else "\n"


def stale(entry: dict[str, Any]) -> list[str]:
    """Return the checks of a grading whose outcome is that of another text of the file."""
    found = entry.get("stale", [])
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def digest(text: str) -> str:
    """Return a short name for a text."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
