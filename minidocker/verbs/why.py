"""`minidocker why`."""

from __future__ import annotations

from minidocker.course.journal import Journal
from minidocker.course.manifest import load
from minidocker.course.printer import Printer, typed
from minidocker.verbs.parser import make

ABOUT = """\
Answer a lesson's question "why does this come before that?", and see a model answer beside yours.
Nobody grades it. Your words are kept in your own copy of the course.
"""
EXAMPLES = """\
examples:
  minidocker why 01                              the question
  minidocker why 01 only children move           your answer, and ours
"""


def main(argv: list[str]) -> int:
    """Run the word; return its exit status."""
    parser = make("why", ABOUT, EXAMPLES)
    parser.add_argument("lesson")
    parser.add_argument("answer", nargs="*", help="your own words; without them, only the question")
    options = parser.parse_args(argv)
    manifest = load()
    lesson, printer = manifest.lesson(options.lesson), Printer()
    printer.line(lesson.why)
    said = " ".join(options.answer).strip()
    if not said:
        printer.line(f"Your answer: {typed(f'why {lesson.number}')} …   (then you see ours)")
        return 0
    Journal(manifest.root).add("why", lesson=lesson.id, answer=said)
    printer.line(f"you said: {said}")
    printer.line(f"we say:   {lesson.because}")
    return 0
