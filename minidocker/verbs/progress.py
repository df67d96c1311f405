"""`minidocker progress`."""

from __future__ import annotations

from minidocker.course.manifest import load
from minidocker.grader.standing import progress
from minidocker.verbs.parser import make

EXAMPLES = """\
examples:
  minidocker progress
"""


def main(argv: list[str]) -> int:
    """Run the word; return its exit status."""
    parser = make("progress", "Show your points, lesson by lesson.", EXAMPLES)
    return progress(load(), parser.parse_args(argv))
