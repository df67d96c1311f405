"""How far a lesson is: not started, begun, done here, finished."""

from __future__ import annotations

from minidocker.course import outcomes as o
from minidocker.course.journal import Journal
from minidocker.course.manifest import Lesson

DONE_HERE = "done here"  # all passed but what this machine cannot show
DONE = ("finished", DONE_HERE)


def state(lesson: Lesson, journal: Journal) -> str:
    """Return the state of a lesson as judged last; what can wait does not count."""
    last = journal.last_grade(lesson.id)
    if last is None or all(what == o.NOT_STARTED for what, _ in last["checks"].values()):
        return "not started"
    waits = {check.id for check in lesson.checks} - lesson.core()
    seen = {what for name, (what, _) in last["checks"].items() if name not in waits}
    if not seen <= {o.PASS, o.BLOCKED}:
        return "begun"
    return DONE_HERE if o.BLOCKED in seen else "finished"
