"""minidocker xray PID|NAME: look through a process, also one that another engine started."""

from __future__ import annotations

import json
import os
import sys

from minidocker.errors import MinidockerError, NotFound
from minidocker.verbs.parser import Parser, make
from minidocker.xray.xray import XRay, pid_of, xray

EPILOG = """\
examples:
  minidocker xray web                        a minidocker container, by name or id
  minidocker xray $$                         this shell: nothing is its own
  minidocker xray $(docker inspect -f '{{.State.Pid}}' NAME)
  minidocker xray $(podman inspect -f '{{.State.Pid}}' NAME)
  minidocker xray --json 4242                the same for programs ("version": 1)

Everything is compared with the x-ray's own process, which is yours. A process of another user
shows its namespaces and root to root only. Nothing is changed, and nothing is stopped.

exit status: 0, also when there are holes; 1 when there is no such process; 2 for a wrong command
line.
"""


def main(argv: list[str]) -> int:
    """Run `minidocker xray`; return the exit status."""
    options = _parser().parse_args(argv)
    if sys.platform != "linux":
        raise MinidockerError("an x-ray reads /proc, and only Linux has it", "vagrant up", 1)
    try:
        found = xray(pid_of(options.process))
    except LookupError:
        raise NotFound(
            f"there is no process {options.process}: it has ended, or never was",
            "minidocker ps   or: ps -e", 1,
        ) from None  # fmt: skip
    except PermissionError:
        raise MinidockerError(
            f"process {options.process} is hidden from this user (hidepid)",
            f"sudo minidocker xray {options.process}", 1,
        ) from None  # fmt: skip
    if options.json:
        print(json.dumps(found.as_dict(), indent=2))
    elif not (sys.stdout.isatty() and _rich(found)):
        print(found.text())
    if not options.json and os.geteuid() and found.facts.unread.get("namespaces"):
        sys.stdout.flush()
        sys.stderr.write(
            f"minidocker: process {options.process} belongs to another user: half is hidden\n"
            f"  try: sudo minidocker xray {options.process}\n"
        )
    return 0


def _rich(found: XRay) -> bool:
    """Print the x-ray with colours; False where rich is not installed."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    from minidocker.xray import report

    signs = {
        "own": ("◆ own", "green"), "yours": ("○ yours", "bold red"), "given": ("▲ given", "cyan"),
        "closed": ("■ closed", "blue"), "unknown": ("? unknown", "yellow"), "": ("", ""),
    }  # fmt: skip
    console = Console(emoji=False)  # knows NO_COLOR, TERM=dumb and the width
    console.print(Text(found.title, style="bold"))
    console.print(Text(found.desc))
    console.print(Text(f"numbers: {report.pids(found.facts)}", style="dim"))
    table = Table(box=None, padding=(0, 1), show_header=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    section = ""
    for line in found.lines:
        head = line.section if line.section != section else ""
        section = line.section
        state = Text(*signs[line.state])
        table.add_row(Text(head, style="bold cyan"), Text(line.what), state, Text(line.seen))
    console.print(table)
    console.print(Text(f"holes: {len(found.holes)} that it still shares with you", style="bold"))
    for hole in found.holes:
        title = Text(f"  ○ {hole.title}", style="bold red")
        console.print(title.append(f"   lesson {hole.lesson}", style="not bold cyan"))
        console.print(Text(f"      {hole.why}"))
    return True


def _parser() -> Parser:
    about = "Look through a process: which walls are its own, and which holes are left."
    parser = make("xray", about, EPILOG)
    parser.add_argument("process", metavar="PID|NAME", help="a process, or a container of ours")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser
