"""The learner's own parts: which ones `--mine` and `--stage` name, and the warning beside them."""

from __future__ import annotations

import os
import sys

from minidocker.errors import UsageError
from minidocker.places import LAB_MARKER, ROOM, default_root
from minidocker.stages import by_name

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from minidocker.course.manifest import Lesson, Manifest
    from minidocker.images.store.store import Store
    from minidocker.runtime.apart import Own
    from minidocker.spec.spec import Spec
    from minidocker.stages.base import Stage


def adopted(
    chosen: list[type[Stage]], options: dict[str, Any], whose: str = ""
) -> list[type[Stage]]:
    """Put learners' parts in: every --stage NAME=FILE, and with --mine all of exercises/.

    Their calls are noted as of the container `whose`; a rehearsal has none, and is not noted.
    """
    wanted: list[tuple[str, list[str], str, bool]] = []
    if options.get("mine"):
        wanted += mine(bool(options.get("unsafe")))
    for text in options.get("stage", []):
        name, equals, file = text.partition("=")
        if not equals or not file:
            raise UsageError(
                f"--stage {text!r} is not NAME=FILE", "--stage pid=exercises/01_pid.py"
            )
        wanted.append((name, list(by_name(name).parts), file, True))
    if not wanted:
        return chosen
    if sys.flags.no_site:
        import site

        site.main()  # a learner's file may import what is installed
    from minidocker.runtime import used
    from minidocker.runtime.adopt import adopt

    if whose:
        used.serving(default_root(), "run", whose)
    stages = {stage.name: stage for stage in chosen}
    for name, parts, file, strict in wanted:
        if name not in stages:
            if strict:
                raise UsageError(f"--stage {name}=…: --stages leaves that stage out", f"add {name}")
            continue
        stages[name] = adopt(stages[name], parts, file)
    return [stages[stage.name] for stage in chosen]


def mine(unsafe: bool = False) -> list[tuple[str, list[str], str, bool]]:
    """List the parts that the learner has written, by the manifest: (stage, parts, file, False).

    A function that is still the starter's is left out, and the reference serves instead. So is one
    that failed when it was judged last, unless `unsafe`; either is said. What was edited since it
    passed, or was never judged, is taken, and that is said too.
    MINIDOCKER_EXERCISES names another directory than the course's exercises/.
    """
    if "MINIDOCKER_PARTS" in os.environ:
        return [(stage, names, file, False) for stage, names, file in listed() if ":" not in stage]
    found: list[tuple[str, list[str], str, bool]] = []
    open_: list[str] = []
    for lesson, names, file, new in written(unsafe):
        by_stage: dict[str, list[str]] = {}
        for function in lesson.functions:
            if function.stage and function.name in names:
                by_stage.setdefault(function.stage, []).append(function.name)
                open_ += [function.name] if function.name in new else []
        found += [(stage, parts, file, False) for stage, parts in by_stage.items()]
    _say_unjudged(open_)
    return found


def beside(spec: Spec, unsafe: bool = False) -> dict[str, Own] | None:
    """Return the learner's functions that serve a run beside the stages' parts, and say which.

    `join` where it shares a wall, `supervise` where a policy starts it again, `log_pump` where
    there is a log. They are loaded now: the file may be another one when they are called.
    """
    shares = any(":" in mode for mode in spec.sharing.values())
    alone = spec.detached
    wanted = {"join": shares, "supervise": alone and bool(spec.restart),
              "log_pump": alone and not spec.process.terminal}  # fmt: skip
    if not any(wanted.values()):
        return None
    names = {name for name, serves in wanted.items() if serves}
    found = serving("run", spec.id, unsafe, names)
    for own in found.values():
        own.function()
    if found:
        verb = "serves" if len(found) == 1 else "serve"
        sys.stderr.write(f"minidocker: your {', '.join(sorted(found))} {verb} this container.\n")
    return found or None


def serving(
    word: str, whose: str, unsafe: bool = False, only: set[str] | None = None
) -> dict[str, Own]:
    """Return the learner's functions that serve a word of the command line, by the manifest.

    Each is called in a process of its own, and noted as used for `whose` (see runtime/used.py).
    What is not theirs, or failed, is left out: the reference serves there. `only`: these at most.
    """
    from minidocker.runtime import used
    from minidocker.runtime.apart import Own

    if sys.flags.no_site:
        import site

        site.main()  # a learner's file may import what is installed
    used.serving(default_root(), word, whose)
    if "MINIDOCKER_PARTS" in os.environ:
        mine = [(names, file) for what, names, file in listed() if what == f"serves:{word}"]
        return {
            name: Own(name, file) for names, file in mine for name in names
            if only is None or name in only
        }  # fmt: skip
    found: dict[str, Own] = {}
    open_: list[str] = []
    for lesson, names, file, new in written(unsafe, word):
        for function in lesson.functions:
            if only is not None and function.name not in only:
                continue
            if word in function.serves and function.name in names:
                found[function.name] = Own(function.name, file)
                open_ += [function.name] if function.name in new else []
    _say_unjudged(open_)
    return found


def listed() -> list[tuple[str, list[str], str]]:
    """Read what MINIDOCKER_PARTS names: (stage, or serves:WORD; functions; their file).

    The exam's room has no course that could say which functions are the learner's: exam/kit.py.
    """
    with open(os.environ["MINIDOCKER_PARTS"], encoding="utf-8") as lines:
        rows = [line.split() for line in lines]
    return [(what, names, file) for what, file, *names in rows]


def written(
    unsafe: bool = False, word: str = ""
) -> Iterator[tuple[Lesson, set[str], str, set[str]]]:
    """Yield (lesson, functions that the learner has written, their file, those not judged as such).

    With a `word`, only lessons that have a function for it.
    """
    from pathlib import Path

    from minidocker.course import exercise_file, manifest

    course = manifest.load()
    directory = Path(os.environ.get("MINIDOCKER_EXERCISES") or course.root / "exercises")
    for lesson in course.lessons:
        if word and not any(word in function.serves for function in lesson.functions):
            continue
        changed = exercise_file.changed(course, lesson, directory)
        if not changed:
            continue
        bad, new = standing(course, lesson, directory)
        if bad := changed & bad:
            names = ", ".join(sorted(bad))
            what = "is used all the same" if unsafe else "is not used (--unsafe uses it)"
            sys.stderr.write(f"minidocker: {names} failed when it was judged last, and {what}.\n")
        if not unsafe:
            changed -= bad
        yield lesson, changed, os.path.relpath(directory / lesson.file), new & changed - bad


def standing(course: Manifest, lesson: Lesson, directory: Path) -> tuple[set[str], set[str]]:
    """Return (functions that failed when they were judged last, those not judged as they stand).

    An edit undoes no fail: what failed is used again when it has passed. A file that lies
    elsewhere than the course's own is another file, unless the text is the same.
    """
    from minidocker.course import exercise_file, journal

    record = journal.Journal(course.root)
    last = record.last_grade(lesson.id)
    text = exercise_file.read(directory / lesson.file)
    same = last is not None and last["digest"] == journal.digest(text)
    own = (course.root / "exercises").resolve() == directory.resolve()
    if not (same or own):
        return set(), set()
    fresh = set(last["checks"]) - set(journal.stale(last)) if last and same else set()
    stale = {check.id for check in lesson.checks} - fresh
    return _of(lesson, set(record.failed(lesson.id))), _of(lesson, stale)


def _of(lesson: Lesson, checks: set[str]) -> set[str]:
    """Return the functions that these checks judge."""
    return {name for check in lesson.checks if check.id in checks for name in check.functions}


def _say_unjudged(names: list[str]) -> None:
    """Say whose text is not the one that was judged: edited since, or never judged."""
    if names:
        verb = "is" if len(names) == 1 else "are"
        sys.stderr.write(
            f"minidocker: {', '.join(names)} {verb} used unjudged, as the file stands now:"
            " minidocker grade judges it.\n"
        )


def warning_outside_the_lab(store: Store) -> str:
    """Say once that a learner's own code is about to run as root on no lab machine; "" later."""
    if os.geteuid() or ROOM in os.environ or os.path.exists(LAB_MARKER):
        return ""
    marker = store.path("warned")
    if os.path.exists(marker):
        return ""
    os.makedirs(store.root, 0o711, exist_ok=True)
    with open(marker, "w", encoding="ascii"):
        pass
    return (
        "minidocker: --mine runs your code as root on this machine. "
        "A mistake in it can harm the machine;\n"
        "  in the lab machine (minidocker vm up) nothing can be harmed. This is said once.\n"
    )
