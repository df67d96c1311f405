"""Submissions as they come: folders, archives, and the zip that a platform hands out.

`find` says whose there are, `open_one` what one of them holds. Both look at an enemy's files, so
both do it in a child that has limits: what kills the child costs that one submission its verdict.
"""

from __future__ import annotations

import io
import json
import os
import resource
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from minidocker.classroom import archives, journals, platforms
from minidocker.classroom.archives import Damaged, Member
from minidocker.classroom.classfile import Class
from minidocker.classroom.filenames import near, owner, unopened, wanted
from minidocker.course.exercise_file import decoded
from minidocker.course.manifest import Lesson
from minidocker.errors import NotFound
from minidocker.forked import answer_of

SECONDS = 60  # of the processor, for reading one submission
WAIT = 300  # on a busy machine that is more on the clock
MEMORY = 512 << 20
MOST_ANSWER = 64 << 20
MOST_BESIDES = 4
DEEPEST = 3  # archives in one another: a zip of a platform, a student's, and one in that
NOBODYS = ("__MACOSX", platforms.GRADESCOPE, "index.html", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Found:
    """One submission: whose, where it lies, and under which name there.

    part: the folder or the beginning of names in `path`; "" when all of `path` is one submission.
    submitted: when the platform says it came, as ISO 8601; late: the platform calls it late.
    label: its name where the roster does not help. others: logins that hand it in, too.
    notes: what a teacher should know of where it lies.
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
    notes: tuple[str, ...] = ()


def find(paths: Sequence[Path], room: Class) -> list[Found]:
    """Return the submissions in what was named, each once, in the order of their names."""
    found: list[Found] = []
    for path in paths:
        if not os.path.lexists(path):
            raise NotFound(f"there is no {path}", "name folders, zips or tars", 2)
        found += _found(path, room)
    return sorted(found, key=lambda one: (one.login or "~", one.name, str(one.path)))


def _found(path: Path, room: Class) -> list[Found]:
    """Return the submissions in one path; what lies in it and is nobody's is looked into, too."""
    try:
        told = guarded(_groups, path, room.lessons)
    except Damaged as problem:
        told = {"single": True, "groups": [], "facts": {}, "trouble": str(problem)}
    here = [(part, platforms.who(label, told["facts"].get(part, {}), room))
            for part, label in told["groups"]]  # fmt: skip
    whole = platforms.who(path.resolve().name, {}, room)
    people = any(one.login for _, one in here)
    if told["single"] and (whole.login or not room.students or not people):
        here = [("", whole)]
    elif room.students and whole.login and not people:
        here = [("", whole)]  # a student's own folders, not one for each student
    found = []
    for part, who in here:
        below = _below(path, part, room) if part and not who.login else []
        found += below or [Found(who.name, who.login, path, part, who.submitted, who.late,
                                 told.get("trouble", ""), who.label, who.others)]  # fmt: skip
    return found


def _below(path: Path, part: str, room: Class) -> list[Found]:
    """Return the submissions of a platform's zip, or of a folder a week, that lies in a folder.

    None where the roster knows nobody in it.
    """
    place = path / part
    if not path.is_dir() or place.is_symlink() or not (
        place.is_dir() or (place.is_file() and archives.is_archive(part))
    ):
        return []
    found = _found(place, room)
    return found if any(one.part and one.login for one in found) else []


def open_one(
    one: Found, lessons: Sequence[Lesson], given: Mapping[str, Collection[str]] | None = None
) -> dict[str, Any]:
    """Return {"files": {lesson: {"text", "why", "name"}}, "journal", "sayings", "notes"}.

    notes: what a teacher should know of it. given: the exercises as they were handed out: of two
    files that one is not judged. Damaged: there is no verdict.
    """
    if one.trouble:
        raise Damaged(one.trouble)
    told: dict[str, Any] = guarded(_content, one.path, one.part, lessons, given or {})
    told["notes"] = [*one.notes, *told["notes"]]
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
        told = json.loads(answer_of(work, WAIT, MOST_ANSWER))
    except ValueError:
        raise Damaged("reading it took more than a submission may take") from None
    if "damaged" in told:
        raise Damaged(told["damaged"])
    return told["value"]


def _members(path: Path, lessons: Sequence[Lesson], part: str = "") -> Iterator[Member]:
    """Return the members of what was named; of a folder only those in one part of it."""
    if path.is_dir():
        if not part:
            yield from archives.of_folder(path)
            return
        for name in sorted(one for one in os.listdir(path) if _part(one, lessons) == part):
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
    """Say which submissions a path holds: [[part, label]], and what the platform says of them.

    single: it looks like one submission, whatever its parts are called.
    """
    if path.is_dir():
        names = sorted(os.listdir(path))
        inside = [name for name in names if (path / name).is_dir()]
        single = "exercises" in inside or any(
            wanted(name, lessons) and not platforms.flat(name) for name in names
        )
        file = path / platforms.GRADESCOPE
        facts = platforms.gradescope(file.read_text("utf-8", "replace")) if file.is_file() else {}
        facts |= platforms.attempts(names)
        parts = dict.fromkeys(_part(one, lessons) for one in names if not _ignored(one))
        return {"single": single, "groups": [[part, part] for part in parts], "facts": facts}
    names, facts = [], {}
    for member in _members(path, lessons):
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
    parts = dict.fromkeys(_part(n.split("/")[0], lessons) for n in names if not _ignored(n))
    facts |= platforms.attempts(names)
    return {
        "single": single or not many or not archives.is_archive(path.name),
        "groups": [[top + part, part] for part in parts],
        "facts": {top + part: fact for part, fact in facts.items()},
    }


def _part(name: str, lessons: Sequence[Lesson]) -> str:
    """Return what one person's files have in common in their names, by a platform or by hand."""
    part = platforms.part_of(name)
    return (owner(name, lessons).casefold() if part == name else "") or part


def _ignored(name: str) -> bool:
    first = name.split("/")[0]
    return first.startswith(".") or first in NOBODYS


def _common(names: Sequence[str]) -> str:
    """Return the one folder that all names lie in, with its slash; "" when there is none."""
    tops = {name.split("/")[0] for name in names if not _ignored(name)}
    nested = all("/" in name for name in names if not _ignored(name))
    return f"{tops.pop()}/" if len(tops) == 1 and nested else ""


def _content(
    path: Path, part: str, lessons: Sequence[Lesson], given: Mapping[str, Collection[str]]
) -> dict[str, Any]:
    """Read what one submission hands in: the best file for each lesson, and the journal.

    Damaged when there are files, and none of them is called as an exercise is: somebody must look.
    """
    files: dict[str, list[Candidate]] = {}
    nearly: dict[str, str] = {}
    journal: list[Any] = []
    said: dict[str, dict[str, str]] = {}
    others: list[str] = []
    for at, (member, depth, newest) in enumerate(_all(path, lessons, part)):
        if member.name.endswith(journals.FILE):
            journal, said = journals.told_by(member)
        name = PurePosixPath(member.name).name
        found = wanted(member.name, lessons)
        if found is None:
            why = member.why or unopened(name)
            others += [f"{name[:60]}{f' ({why})' if why else ''}"] if len(others) < 4 else []
            found = near(member.name, lessons)
            if found is None or found[1] > 3:
                nearly |= {found[0].id: nearly.get(found[0].id, name[:60])} if found else {}
                continue
        lesson, far = found
        rank = (far > 1, newest, depth, far, "exercises/" not in member.name,
                member.name.count("/"), member.name, -at)  # fmt: skip
        mine = files.setdefault(lesson.id, [])
        if len(mine) <= MOST_BESIDES or rank < max(one.rank[1:] for one in mine):
            data, why = archives.text_or_why(member)
            if why == archives.ENCRYPTED:
                raise Damaged(f"{name[:60]} is encrypted: ask for it without a password")
            text, why = ("", why) if why else decoded(data)
            plain = any(text.strip() == one.strip() for one in given.get(lesson.id, ()))
            mine.append(Candidate((plain, *rank), text, why, member.name, far))
            mine.sort()
            del mine[MOST_BESIDES + 1 :]
    if others and not files:
        raise Damaged("no file in it is called as an exercise is: " + ", ".join(others[:3]))
    best = _best(files, nearly, not others)
    for file in best["files"].values():  # an upload that broke off is no work that earns nothing
        if file["why"].startswith(archives.BROKEN):
            raise Damaged(f"{file['name'][-60:]}: {file['why']}")
    return {"journal": journal, "sayings": said, **best}


@dataclass(frozen=True, order=True)
class Candidate:
    """A file that may be a lesson's: the least rank is judged.

    First of it: it is as was given. Last: of two with one name in an archive the later counts, as
    for whoever unpacks it.
    """

    rank: tuple[Any, ...]
    text: str
    why: str
    name: str
    far: int


def _best(
    files: Mapping[str, list[Candidate]], nearly: Mapping[str, str], empty: bool
) -> dict[str, Any]:
    """Choose a file for each lesson, and note what a teacher should know of the others."""
    chosen: dict[str, dict[str, str]] = {}
    notes = ["there is nothing in it"] if empty and not files else []
    for lesson, found in files.items():
        first, *rest = found
        chosen[lesson] = {"text": first.text, "why": first.why, "name": first.name}
        if first.far > 2:
            notes.append(f"{lesson}: {first.name} was taken for {lesson}.py")
        notes += [
            f"{lesson}: {first.name} was judged, and not "
            f"{one.name if one.name != first.name else 'an earlier one'}, which has another text"
            for one in rest
            if one.text != first.text and not one.rank[0] and (one.far < 2 or first.far > 1)
        ]
    for lesson, name in nearly.items():
        chosen.setdefault(lesson, {"text": "", "name": name,
                                   "why": f"it is called {name}, and not {lesson}.py"})  # fmt: skip
    return {"files": chosen, "notes": notes[:10]}


def _all(
    path: Path, lessons: Sequence[Lesson], part: str
) -> Iterator[tuple[Member, int, list[int]]]:
    """Return the members of one submission, and those of the archives in it, DEEPEST deep.

    Third: less for a later one of Blackboard's attempts, which are all in one submission.
    """
    folder, left = path.is_dir(), [archives.MOST_MEMBERS, archives.MOST_INNER]

    def opened(
        members: Iterator[Member], depth: int, newest: list[int]
    ) -> Iterator[tuple[Member, int, list[int]]]:
        for member in members:
            if depth == 0:
                at = platforms.attempt(PurePosixPath(member.name).name)
                newest = [-ord(sign) for sign in at]
            left[0] -= 1
            if left[0] < 0:
                raise Damaged(f"it has more than {archives.MOST_MEMBERS} files")
            if not archives.is_archive(member.name) or member.why or depth == DEEPEST:
                deep = depth == DEEPEST and archives.is_archive(member.name)
                why = f"an archive in {DEEPEST} others is not opened" if deep else member.why
                yield Member(member.name, member.take, why), depth, newest
                continue
            data = member.take(left[1] + 1)
            left[1] -= len(data)
            if left[1] < 0:
                most = archives.MOST_INNER >> 20
                raise Damaged(f"the archives in it are larger than {most} MB: {member.name}")
            yield from opened(archives.of_archive(io.BytesIO(data), member.name), depth + 1,
                              newest)

    members = _members(path, lessons, part)
    if part and not folder:
        members = (one for one in members if _within(one.name, lessons, part))
    return opened(members, 0, [])


def _within(name: str, lessons: Sequence[Lesson], part: str) -> bool:
    """Say whether a member belongs to a part: it lies in its folder, or its name says so."""
    top = part.rpartition("/")[0] + "/" if "/" in part else ""
    first = name.removeprefix(top).split("/")[0]
    return name.startswith(top) and _part(first, lessons) == part.removeprefix(top)
