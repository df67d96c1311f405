"""Where the learner is: the course that this notebook belongs to, and its map.

The manifest is read where it is needed, and not at import: `minidocker.lab` works without a course.
"""

from __future__ import annotations

import os

from minidocker.errors import MinidockerError
from minidocker.lab import cells
from minidocker.pictures.catalogue import Picture, course_map


def tree() -> str:
    """Return the course's folder; the package's own where no course is found."""
    from minidocker.course import manifest

    try:
        return str(manifest.find_root())
    except MinidockerError:
        return cells.PACKAGE


def lesson_number(folder: str, word: str) -> str:
    """Return "01" for "1", "01" or "01_pid"; NotFound for a lesson that is not there."""
    from minidocker.course import manifest

    return manifest.load(folder).lesson(word).number if word else ""


def picture(folder: str, current: str) -> Picture:
    """Return the course map: the lesson `current` ("01") is lit, what is done here is marked."""
    from minidocker.course import manifest
    from minidocker.course.journal import Journal
    from minidocker.course.state import DONE, state

    course = manifest.load(folder)
    journal = Journal(course.root)
    done = [item.id for item in course.lessons if state(item, journal) in DONE]
    lessons = [(item.id, item.title) for item in course.lessons]
    return course_map(current, lessons, done)


def question(folder: str, current: str) -> str:
    """Return the one question of a lesson, and how long it takes."""
    from minidocker.course import manifest

    lesson = manifest.load(folder).lesson(current)
    exercise = os.path.join("..", lesson.exercise)
    return f"{lesson.question}\n{lesson.minutes} minutes · exercise: {exercise}"


def is_written(folder: str, number: str) -> bool:
    """Say whether there is a lesson of this number."""
    from minidocker.course import manifest

    return any(lesson.number == number for lesson in manifest.load(folder).lessons)
