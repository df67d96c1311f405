"""`minidocker mine`."""

from __future__ import annotations

from minidocker.course.printer import Printer
from minidocker.pictures.own_container import own_container
from minidocker.plan import own
from minidocker.verbs.parser import make

ABOUT = "Your container so far: your functions, in the order in which a run calls them."
EXAMPLES = """\
examples:
  minidocker mine
  minidocker run -it --mine base sh      enter it
"""


def main(argv: list[str]) -> int:
    """Run the word; return its exit status."""
    make("mine", ABOUT, EXAMPLES).parse_args(argv)
    printer = Printer()
    for line in own_container(own.so_far()).text().splitlines():
        printer.line(line)
    printer.line(f"a shell in there: {own.ENTER}")
    return 0
