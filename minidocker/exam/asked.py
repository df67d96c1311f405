"""Asked: which of the learner's functions an exam is about, and which are still the starter's.

Said by the texts alone, before a line of learner code runs: so nothing that it does can change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from minidocker.course import exercise_file
from minidocker.course.manifest import Lesson, Manifest

YOURS, STARTER, MISSING, WRONG = "yours", "starter", "missing", "wrong"


@dataclass(frozen=True, slots=True)
class Asked:
    """One function of a lesson that a container can be made with.

    stage: whose part it is, or "" where it `serves` words of the command line. more: the lesson is
    finished without it, so the exam can be passed without it. state: one of the four words above;
    why: for people, when it is not "yours".
    """

    number: str
    name: str
    stage: str
    file: str
    state: str
    why: str = ""
    more: bool = False
    serves: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Say whether it fails the exam before anything runs."""
        return self.state in (MISSING, WRONG) or (self.state == STARTER and not self.more)

    def sentence(self) -> str:
        """Say what is wrong, by lesson and name."""
        return f"lesson {self.number}: {self.why}"


def read(course: Manifest, directory: Path) -> tuple[list[Asked], dict[str, str]]:
    """Return every function that is asked for, and the texts that were read: file name → text.

    The texts are read once: what is judged here is what the containers are made with.
    """
    found: list[Asked] = []
    texts: dict[str, str] = {}
    for lesson in course.lessons:
        text, refused = exercise_file.look(directory / lesson.file)
        texts[lesson.file] = text
        found += _of_lesson(course, lesson, text, refused)
    return found, texts


def _of_lesson(course: Manifest, lesson: Lesson, text: str, refused: str) -> list[Asked]:
    """Judge the functions of one lesson by its text."""
    wanted = [function for function in lesson.functions if function.stage or function.serves]
    if not wanted:
        return []
    now = exercise_file.shape_of(text)
    before = exercise_file.shape_of(exercise_file.starter(course, lesson)).items
    found = []
    for function in wanted:
        state, why = YOURS, ""
        if refused or not text:
            state, why = MISSING, f"{lesson.file}: {refused or 'there is no such file'}"
        elif now.wrong:
            line, what, _ = now.wrong
            state, why = WRONG, f"{lesson.file}, line {line}: {what}"
        elif function.name not in now.items and function.name not in now.bound:
            state, why = MISSING, f"{function.name} is not in {lesson.file}"
        elif now.items.get(function.name, "") == before.get(function.name):
            state, why = STARTER, f"{function.name} is still the starter's"
        facts = (lesson.number, function.name, function.stage, lesson.file)
        found.append(Asked(*facts, state, why, function.more, function.serves))
    return found
