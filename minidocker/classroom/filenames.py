"""Which lesson's file is it? Names as students, browsers and platforms leave them.

    0  01_pid.py                                   just so
    1  01_pid-1.py, ada_4711_99_01_pid (2).py      a platform's or a browser's
    2  01_pid - Copy.py, 01-pid_final.py, 01_pid.txt
    3  1_pid.py, 01_pdi.py                         a slip: taken, and said
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from minidocker.classroom.archives import stem
from minidocker.course.manifest import Lesson

NOT_THEIRS = {"solutions", "tests", ".git", ".minidocker", ".ipynb_checkpoints", "__MACOSX"}
ALIKE = 0.8
UNOPENED = (".rar", ".7z", ".zst", ".lz4", ".lzma", ".gz", ".bz2", ".xz", ".iso")
FLAGS = re.IGNORECASE | re.DOTALL


def wanted(name: str, lessons: Sequence[Lesson]) -> tuple[Lesson, int] | None:
    """Return the lesson whose file a member is, and how far its name is from that, 0 to 2."""
    path = PurePosixPath(name)
    if NOT_THEIRS.intersection(path.parts[:-1]) or path.name.startswith("."):
        return None
    for lesson in lessons:
        if path.name == lesson.file:
            return lesson, 0
        own = "[-_ ]".join(map(re.escape, lesson.id.split("_")))
        odd = rf"(?:.*[_\- ])?{own}(?:[-_ ]?\(?\d{{1,3}}\)?)?\.py(?:\.txt)?"
        if re.fullmatch(odd, path.name[:300], FLAGS):
            return lesson, 1
        if re.fullmatch(rf"(?:.*[_\- ])?{own}(?:[^a-z0-9].*)?\.(?:py|txt)", path.name[:300], FLAGS):
            return lesson, 2
    return None


def near(name: str, lessons: Sequence[Lesson]) -> tuple[Lesson, int] | None:
    """Return the lesson whose file's name is mistyped here; 3, where the file may be judged."""
    path = PurePosixPath(name)
    stem, _, ending = path.name.rpartition(".")
    if NOT_THEIRS.intersection(path.parts[:-1]) or not 2 < len(stem) < 60:
        return None
    if found := wanted(f"{stem}.py", lessons):  # 01_pid.ipynb
        return found[0], 9
    if not stem[0].isdigit():  # mounts.py is a file of the runtime's
        return None
    alike = [(difflib.SequenceMatcher(None, stem.casefold(), lesson.id).ratio(), lesson)
             for lesson in lessons]  # fmt: skip
    most, lesson = max(alike, key=lambda one: one[0], default=(0.0, None))
    if lesson is None or most < ALIKE or (stem[:2].isdigit() and stem[:2] != lesson.number):
        return None
    return lesson, 3 if ending.casefold() in ("py", "txt") else 9


def owner(name: str, lessons: Sequence[Lesson]) -> str:
    """Return what a file's name says beside its lesson's: "ada" of ada_01_pid.py, 01-pid-ada.zip.

    Whether that is a person, the roster says; it may be "final" or "(2)".
    """
    for lesson in lessons:
        own = "[-_ ]".join(map(re.escape, lesson.id.split("_")))
        found = re.fullmatch(rf"(?:(.+)[-_ ])?{own}(?:[-_ ](.+))?", stem(stem(name[:300])), FLAGS)
        if found and bool(found[1]) != bool(found[2]):
            return found[1] or found[2]
    return ""


def unopened(name: str) -> str:
    """Say why an archive of another kind is not looked into; "" for what is none."""
    if name.lower().endswith(UNOPENED):
        return "an archive of a kind that is not opened here: zip and tar are"
    return ""
