"""Submissions as they come: folders, archives, and the zip that a platform hands out.

`find` says whose there are, `open_one` what one of them holds. Both look at an enemy's files, so
both do it in a child that has limits: what kills the child costs that one submission its verdict.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from minidocker.classroom import archives, platforms
from minidocker.classroom.archives import Damaged, Member
from minidocker.classroom.classfile import Class
from minidocker.course.exercise_file import decoded
from minidocker.course.manifest import Lesson
from minidocker.errors import NotFound
from minidocker.forked import answer_of
from minidocker.lab import sayings

SECONDS = 60  # for reading one submission
MEMORY = 512 << 20
MOST_ANSWER = 64 << 20
MOST_BESIDES = 4
DEEPEST = 3  # archives in one another: a zip of a platform, a student's, and one in that
MOST_JOURNAL = 8 << 20
JOURNAL = ".minidocker/progress.jsonl"
NOT_THEIRS = {"solutions", "tests", ".git", ".minidocker", ".ipynb_checkpoints", "__MACOSX"}


@dataclass(frozen=True)
class Found:
    """One submission: whose, where it lies, and under which name there.

    part: the folder or the beginning of names in `path`; "" when all of `path` is one submission.
    submitted: when the platform says it came, as ISO 8601; late: the platform calls it late.
    label: its name where the roster does not help. others: logins that hand it in, too.
    """

    name: str
    login: str
    path: Path
    part: str = ""
    submitted: str = ""
    late: bool = False
    trouble: str = ""
    label: str = ""
    others: tuple[str, ...] = ()


def find(paths: Sequence[Path], room: Class) -> list[Found]:
    """Return the submissions in what was named, each once, in the order of their names."""
    found: list[Found] = []
    for path in paths:
        if not os.path.lexists(path):
            raise NotFound(f"there is no {path}", "name folders, zips or tars", 2)
        try:
            told = guarded(_groups, path, room.lessons)
        except Damaged as problem:
            told = {"groups": [["", path.name]], "facts": {}, "trouble": str(problem)}
        here = [(part, platforms.who(label, told["facts"].get(part, {}), room))
                for part, label in told["groups"]]  # fmt: skip
        whole = platforms.who(path.resolve().name, {}, room)
        if room.students and whole.login and not any(one.login for _, one in here):
            here = [("", whole)]  # a student's own folders, not one for each student
        found += [Found(who.name, who.login, path, part, who.submitted, who.late,
                        told.get("trouble", ""), who.label, who.others)
                  for part, who in here]  # fmt: skip
    return sorted(found, key=lambda one: (one.login or "~", one.name, str(one.path)))


def open_one(one: Found, lessons: Sequence[Lesson]) -> dict[str, Any]:
    """Return {"files": {lesson: {"text", "why", "name"}}, "journal", "sayings", "notes"}.

    notes: what a teacher should know of it. Damaged: there is no verdict.
    """
    if one.trouble:
        raise Damaged(one.trouble)
    told: dict[str, Any] = guarded(_content, one.path, one.part, lessons)
    return told


def guarded(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a child with limits and return what it returned, by way of JSON."""

    def work() -> bytes:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("/proc/self/statm", encoding="ascii") as file:
            most = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        try:
            return json.dumps({"value": function(*arguments)}).encode()
        except (Damaged, OSError) as problem:
            return json.dumps({"damaged": str(problem)}).encode()

    try:
        told = json.loads(answer_of(work, SECONDS, MOST_ANSWER))
    except ValueError:
        raise Damaged("reading it took more than a submission may take") from None
    if "damaged" in told:
        raise Damaged(told["damaged"])
    return told["value"]


def _members(path: Path, part: str = "") -> Iterator[Member]:
    """Return the members of what was named; of a folder only those in one part of it."""
    if path.is_dir():
        if not part:
            yield from archives.of_folder(path)
            return
        for name in sorted(one for one in os.listdir(path) if platforms.part_of(one) == part):
            inner = path / name
            if inner.is_symlink() or not inner.is_dir():
                yield archives.of_file(inner)
                continue
            for member in archives.of_folder(inner):
                yield Member(f"{name}/{member.name}", member.take, member.why)
        return
    single = archives.of_file(path)
    if single.why or not archives.is_archive(path.name):
        yield single
        return
    with open(path, "rb") as file:
        yield from archives.of_archive(file, path.name)


def _groups(path: Path, lessons: Sequence[Lesson]) -> dict[str, Any]:
    """Say which submissions a path holds: [[part, label]], and what the platform says of them."""
    if path.is_dir():
        names = sorted(os.listdir(path))
        inside = [name for name in names if (path / name).is_dir()]
        if any(wanted(name, lessons) and not platforms.flat(name) for name in names) or (
            "exercises" in inside
        ):
            return {"groups": [["", path.resolve().name]], "facts": {}}
        file = path / platforms.GRADESCOPE
        facts = platforms.gradescope(file.read_text("utf-8", "replace")) if file.is_file() else {}
        parts = dict.fromkeys(platforms.part_of(one) for one in names if not _ignored(one))
        return {"groups": [[part, part] for part in parts], "facts": facts}
    names, facts = [], {}
    for member in _members(path):
        names.append(member.name)
        if PurePosixPath(member.name).name == platforms.GRADESCOPE:
            facts = platforms.gradescope(member.take(8 << 20).decode("utf-8", "replace"))
    top = _common(names)
    names = [name.removeprefix(top) for name in names]
    single = any(
        wanted(name, lessons) and not platforms.flat(name)
        for name in names if name.count("/") == 0 or name.startswith("exercises/")
    )  # fmt: skip
    many = any("/" in n or platforms.flat(n) or archives.is_archive(n) for n in names)
    if single or not many or not archives.is_archive(path.name):
        return {"groups": [["", path.name]], "facts": {}}
    parts = dict.fromkeys(platforms.part_of(n.split("/")[0]) for n in names if not _ignored(n))
    return {
        "groups": [[top + part, part] for part in parts],
        "facts": {top + part: fact for part, fact in facts.items()},
    }


def _ignored(name: str) -> bool:
    first = name.split("/")[0]
    return first.startswith(".") or first in ("__MACOSX", platforms.GRADESCOPE, "index.html")


def _common(names: Sequence[str]) -> str:
    """Return the one folder that all names lie in, with its slash; "" when there is none."""
    tops = {name.split("/")[0] for name in names if not _ignored(name)}
    nested = all("/" in name for name in names if not _ignored(name))
    return f"{tops.pop()}/" if len(tops) == 1 and nested else ""


def _content(path: Path, part: str, lessons: Sequence[Lesson]) -> dict[str, Any]:
    """Read what one submission hands in: the best file for each lesson, and the journal.

    Damaged when there are files, and none of them is called as an exercise is: somebody must look.
    """
    best: dict[str, tuple[Any, dict[str, str]]] = {}
    besides: dict[str, dict[str, str]] = {}
    nearly: dict[str, str] = {}
    journal: list[Any] = []
    said: dict[str, dict[str, str]] = {}
    others: list[str] = []
    for member, depth in _all(path, part):
        if member.name.endswith(JOURNAL):
            journal, said = _journal(member)
        found = wanted(member.name, lessons)
        if found is None:
            why = f" ({member.why})" if member.why else ""
            others += [f"{PurePosixPath(member.name).name[:60]}{why}"] if len(others) < 4 else []
            if near := wanted(member.name.rpartition(".")[0] + ".py", lessons):
                nearly.setdefault(near[0].id, PurePosixPath(member.name).name[:60])
            continue
        lesson, exact = found
        rank = (depth, not exact, "exercises/" not in member.name, member.name.count("/"),
                member.name)  # fmt: skip
        texts = besides.setdefault(lesson.id, {})
        first = lesson.id not in best or rank < best[lesson.id][0]
        if first or len(texts) < MOST_BESIDES:
            data, why = archives.text_or_why(member)
            text, why = ("", why) if why else decoded(data)
            texts[member.name] = text
            if first:
                best[lesson.id] = (rank, {"text": text, "why": why, "name": member.name})
    if others and not best:
        raise Damaged("no file in it is called as an exercise is: " + ", ".join(others[:3]))
    files = {name: one for name, (_, one) in best.items()}
    for name, file in nearly.items():
        files.setdefault(name, {"text": "", "name": file,
                                "why": f"it is called {file}, and not {name}.py"})  # fmt: skip
    notes = [
        f"{name}: {files[name]['name']} was judged, and not {other}, which has another text"
        for name, texts in besides.items() for other, text in texts.items()
        if text != files[name]["text"]
    ]  # fmt: skip
    return {"files": files, "journal": journal, "sayings": said, "notes": notes[:10]}


def _all(path: Path, part: str) -> Iterator[tuple[Member, int]]:
    """Return the members of one submission, and those of the archives in it, DEEPEST deep."""
    folder, left = path.is_dir(), [archives.MOST_MEMBERS, archives.MOST_INNER]

    def opened(members: Iterator[Member], depth: int) -> Iterator[tuple[Member, int]]:
        for member in members:
            left[0] -= 1
            if left[0] < 0:
                raise Damaged(f"it has more than {archives.MOST_MEMBERS} files")
            if not archives.is_archive(member.name) or member.why or depth == DEEPEST:
                yield member, depth
                continue
            data = member.take(left[1] + 1)
            left[1] -= len(data)
            if left[1] < 0:
                most = archives.MOST_INNER >> 20
                raise Damaged(f"the archives in it are larger than {most} MB: {member.name}")
            yield from opened(archives.of_archive(io.BytesIO(data), member.name), depth + 1)

    members = _members(path, part)
    if part and not folder:
        members = (one for one in members if _within(one.name, part))
    return opened(members, 0)


def _top(part: str) -> str:
    return part.rpartition("/")[0] + "/" if "/" in part else ""


def _within(name: str, part: str) -> bool:
    """Say whether a member belongs to a part: it lies in its folder, or its name begins so."""
    top = _top(part)
    if not name.startswith(top):
        return False
    return platforms.part_of(name.removeprefix(top).split("/")[0]) == part.removeprefix(top)


def wanted(name: str, lessons: Sequence[Lesson]) -> tuple[Lesson, bool] | None:
    """Return the lesson whose file a member is, and whether it has just that name.

    Platforms and browsers change names: 01_pid-1.py, "01_pid (2).py", ada_4711_99_01_pid.py.
    """
    path = PurePosixPath(name)
    if NOT_THEIRS.intersection(path.parts[:-1]) or path.name.startswith("."):
        return None
    for lesson in lessons:
        if path.name == lesson.file:
            return lesson, True
        odd = rf"(?:.*[_\- ])?{re.escape(lesson.id)}(?:[-_ ]?\(?\d{{1,3}}\)?)?\.py(?:\.txt)?"
        if re.fullmatch(odd, path.name[:300], re.IGNORECASE):
            return lesson, False
    return None


def _journal(member: Member) -> tuple[list[Any], dict[str, dict[str, str]]]:
    """Return what a journal tells: (gradings, of them with a fail, borrowed functions), sayings.

    Of the sayings what was said in lesson 00, and what was said last in another one.
    """
    gradings, failed, borrowed = 0, 0, set()
    said: dict[str, dict[str, str]] = {"before": {}, "after": {}}
    try:
        lines = b"" if member.why else member.take(MOST_JOURNAL)
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
