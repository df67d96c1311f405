"""Your container so far: which functions of a run are the learner's, in the order of a run.

Nothing is written down here: which functions there are say the manifests, which are the learner's
says what `--mine` would take, and when a run calls them say the stages' own moments.
"""

from __future__ import annotations

from typing import Any

from minidocker.course import manifest
from minidocker.course.journal import Journal
from minidocker.pictures.own_container import Part
from minidocker.plan import learner
from minidocker.stages import STAGES, Stage

# A run's moments in their order; after `inside` of all stages, the child may become an init.
MOMENTS = ("before", "parent", "entry", "spawn", "outside", "inside", "init", "after")
ENTER = "minidocker run -it --mine base sh"


def so_far() -> tuple[list[Part], list[Part]]:
    """Return the functions that a run calls, in its order; and those that other words call.

    Both the learner's and the others. The "stage" of one of the second kind is the words.
    """
    written = {(lesson.id, name) for lesson, names, _, _ in learner.written() for name in names}
    lessons, yours, beside = {}, set(), []
    for lesson in manifest.load().lessons:
        for function in lesson.functions:
            is_yours = (lesson.id, function.name) in written
            if function.stage:
                lessons[function.stage, function.name] = lesson.number
                yours |= {(function.stage, function.name)} if is_yours else set()
            elif function.serves:
                words = ", ".join(function.serves)
                beside.append(Part(words, function.name, lesson.number, is_yours))
    found = []
    for stage, name in in_order():
        later = stage.replaced.get(name)
        served = later is not None and (stage.name, later) in yours
        if (key := (stage.name, name)) in lessons and not served:
            found.append(Part(stage.name, name, lessons[key], key in yours))
    return found, beside


def last_exam() -> dict[str, Any] | None:
    """Return what the last exam has written down of itself; None when there was none."""
    entries = Journal(manifest.load().root).entries()
    exams = [one for one in entries if one["do"] == "exam" and isinstance(one.get("ran"), dict)]
    return exams[-1] if exams else None


def in_order() -> list[tuple[type[Stage], str]]:
    """Return every part of every stage, in the order in which a run calls them."""
    keys = [
        (MOMENTS.index(moment_of(stage, name)), at, within, stage, name)
        for at, stage in enumerate(STAGES)
        for within, name in enumerate(stage.parts)
    ]
    keys.sort(key=lambda key: key[:3])
    return [(stage, name) for *_, stage, name in keys]


def moment_of(stage: type[Stage], part: str) -> str:
    """Return the first moment that calls a part: by the names in its code, and what it calls."""
    if part in MOMENTS:
        return part
    for moment in MOMENTS:
        if part in _names(stage, moment, set()):
            return moment
    raise ValueError(f"no moment of the stage {stage.name} calls its part {part}")


def _names(stage: type[Stage], name: str, seen: set[str]) -> set[str]:
    """Return the names that a method uses, and those of the stage's own methods among them."""
    code = getattr(getattr(stage, name, None), "__code__", None)
    if code is None or name in seen:
        return set()
    seen.add(name)
    found = set(code.co_names)
    for other in code.co_names:
        if other not in stage.parts:
            found |= _names(stage, other, seen)
    return found
