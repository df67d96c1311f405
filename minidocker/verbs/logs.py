"""`minidocker logs`: what a container says, or said."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import takewhile

from minidocker.engine import revival
from minidocker.engine.log_file import LOG
from minidocker.engine.logs import Entry, Reader, files, last, tail
from minidocker.errors import NotFound, UsageError
from minidocker.images.store.store import Store
from minidocker.verbs.parser import make

UNITS = {"h": 3600, "ms": 1e-3, "m": 60, "s": 1, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
PART = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)({'|'.join(UNITS)})")
LONGEST = 2**63 / 10**9  # seconds: what Go's nanoseconds hold
AFTER = """\
examples:
  minidocker logs box                  all that is kept of what it said
  minidocker logs -f --tail 10 box     the last ten lines, and on until it ends
  minidocker logs --since 5m -t box    the last five minutes, each line with its time

A time is 2027-01-31T12:00:00Z, seconds since 1970, or how long ago: 90s, 1h30m. Three files of
10 MB are kept if `run --log-opt max-size=… --log-opt max-file=…` says nothing else."""


def main(argv: list[str]) -> int:
    """Print the log: stdout to standard output, stderr to standard error."""
    parser = make("logs", "Print what a container has said.", AFTER)
    parser.add_argument("name", metavar="CONTAINER", help="a name, an id, or its beginning")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until it ends")
    parser.add_argument("-t", "--timestamps", action="store_true", help="the time before each line")
    parser.add_argument("-n", "--tail", default="all", metavar="LINES", help="only the last lines")
    parser.add_argument("--since", default="", metavar="TIME", help="only what was said since then")
    parser.add_argument("--until", default="", metavar="TIME", help="only what was said before")
    args = parser.parse_args(argv)
    record = revival.find(Store(), args.name)
    path = f"{record['directory']}/{LOG}"
    if not files(path) and not record.get("keeper") and record["status"] != "created":
        raise NotFound(
            f"{args.name} has no log: with --rm, or parts of a learner's, what runs in the "
            "foreground has its caller's own streams", "minidocker run -d …   or without --rm",
        )
    printer = Printer(args.timestamps)
    since, until = moment(args.since, "--since"), moment(args.until, "--until")
    number = lines(args.tail) if args.tail != "all" else -1
    if since or until or number < 0:
        reader = Reader(record["directory"], path)
        there = reader.drain(reader.sizes())  # some containers never pause: what there is now
        wanted: Iterable[Entry] = (entry for entry in there if entry.when >= since)
        if until:
            wanted = takewhile(lambda entry: entry.when <= until, wanted)
        wanted = wanted if number < 0 else last(wanted, number)
    else:
        reader, wanted = tail(record["directory"], path, number)
    for entry in wanted:
        printer.show(entry)
    if args.follow:
        for more in reader.follow():
            if more and until and more.when > until:
                break
            if more is None:
                printer.flush()
                if until and until < written(time.time_ns()):
                    break  # it may say nothing for years
            elif more.when >= since:
                printer.show(more)
    printer.flush()
    if reader.unreadable:
        sys.stderr.write(f"minidocker: {reader.unreadable} lines of the log cannot be read\n")
    return 0


class Printer:
    """Writes entries as bytes, each stream to its own; a line that was cut is joined again."""

    def __init__(self, times: bool) -> None:
        self.times = times
        self.begun: set[str] = set()  # the streams whose last line goes on

    def show(self, entry: Entry) -> None:
        """Write one entry."""
        out = sys.stderr if entry.stream == "stderr" else sys.stdout
        if entry.dropped:
            self.flush()
            sys.stderr.write(f"minidocker: {entry.dropped} lines are missing here: no disk space\n")
            return
        if self.times and entry.stream not in self.begun:
            out.buffer.write(entry.when.encode() + b" ")
        (self.begun.discard if entry.text.endswith(b"\n") else self.begun.add)(entry.stream)
        out.buffer.write(entry.text)

    def flush(self) -> None:
        """Let go of what waits."""
        sys.stdout.buffer.flush()
        sys.stderr.buffer.flush()


def lines(text: str) -> int:
    """Read --tail: a number of lines, or "all"; Docker takes what is negative as "all", too."""
    try:
        return min(int(text), sys.maxsize)
    except ValueError:
        raise UsageError(f"--tail {text!r} is no number of lines", "--tail 10   or   --tail all") \
            from None  # fmt: skip


def moment(text: str, option: str) -> str:
    """Turn a time into the log's own way to write it, whose texts sort as the times do; "" for "".

    RFC 3339, seconds since 1970, or a duration of Go's: how long ago.
    """
    if not text:
        return ""
    # Nanoseconds stay whole numbers: a float, or Python's own times, would lose some.
    if found := re.fullmatch(r"(\d{1,11})(?:\.(\d{1,9}))?", text):
        return written(nanoseconds(int(found[1]), found[2]))
    if found := re.fullmatch(r"([^.]+?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?", text):
        try:
            day = datetime.fromisoformat(found[1] + (found[3] or "").replace("Z", "+00:00"))
            return written(nanoseconds(int(day.astimezone(UTC).timestamp()), found[2]))
        except (ValueError, OverflowError):
            pass
    return written(time.time_ns() - int(ago(text, option) * 10**9))


def nanoseconds(seconds: int, digits: str | None) -> int:
    """Return a time in nanoseconds; `digits` is what stands behind the point."""
    return seconds * 10**9 + int((digits or "").ljust(9, "0"))


def ago(text: str, option: str) -> float:
    """Read a duration as Go does: 1h30m, .5s, -2m is still to come. UsageError: it is none."""
    if re.fullmatch(f"[-+]?({PART.pattern})+", text):
        seconds = sum(float(number) * UNITS[unit] for number, unit in PART.findall(text))
        if seconds < LONGEST:
            return -seconds if text.startswith("-") else seconds
    raise UsageError(
        f"{option} {text!r} is no time", "2027-01-31T12:00:00Z, or 10m for ten minutes ago",
        docker=f'invalid value for "{option[2:]}": failed to parse value as time or duration: '
        f'"{text}"',
    )  # fmt: skip


def written(when: int) -> str:
    """Write a time, in nanoseconds since 1970, as the log does: in UTC."""
    seconds, rest = divmod(when, 10**9)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09}Z"
