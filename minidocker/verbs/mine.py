"""`minidocker mine`."""

from __future__ import annotations

from typing import Any

from minidocker.course.printer import Printer
from minidocker.pictures.own_container import own_container
from minidocker.plan import own
from minidocker.verbs.parser import make

ABOUT = (
    "Your container so far: your functions, in the order in which a run calls them; "
    "and those that make its images."
)
EXAMPLES = """\
examples:
  minidocker mine
  minidocker run -it --mine base sh      enter it
"""


def main(argv: list[str]) -> int:
    """Run the word; return its exit status."""
    make("mine", ABOUT, EXAMPLES).parse_args(argv)
    printer = Printer()
    for line in own_container(*own.so_far()).text().splitlines():
        printer.line(line)
    printer.line(f"a shell in there: {own.ENTER}")
    for line in of_the_exam(own.last_exam()):
        printer.line(line)
    return 0


def of_the_exam(entry: dict[str, Any] | None) -> list[str]:
    """Say which functions the last exam has seen at work, and in whose container."""
    if entry is None:
        return []
    whose: dict[str, list[str]] = {}
    for name, container in entry["ran"].items():
        whose.setdefault(container, []).append(name)
    word = "passed" if entry["passed"] else "not passed"
    lines = [f"the exam of {entry['at'][:10]}, {word}; seen at work in a container:"]
    return lines + [f"  {container}: {', '.join(names)}" for container, names in whose.items()]
