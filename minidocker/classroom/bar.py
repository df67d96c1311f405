"""How far a grading is: a line for each submission, and on a terminal a bar that says the rest."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any

from minidocker.classroom import records
from minidocker.course import outcomes as o


class Bar:
    """A context manager; `done` prints a line a submission, old mark beside new."""

    def __init__(self, count: int) -> None:
        self.count, self.ready, self.judged = count, 0, 0
        self.begin = time.monotonic()
        self.failed: Counter[str] = Counter()
        self.titles: dict[str, str] = {}
        self.live = sys.stderr.isatty()
        self.shown = ""

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._clear()
        if kind is not None:  # Ctrl-C, a full disk
            left = self.count - self.ready
            print(f"Stopped; {self.ready} of {self.count} have their record, {left} are left. "
                  "The same command goes on.")  # fmt: skip
            return
        for name, number in self.failed.most_common(10):
            bar = "#" * max(1, round(20 * number / max(self.ready, 1)))
            print(f"  {number:4} {bar:<20} {self.titles[name]}")

    def say(self, text: str) -> None:
        """Print one line, above the bar."""
        self._clear()
        print(o.inert(text), flush=True)

    def done(
        self, record: dict[str, Any], old: dict[str, Any] | None = None, known: bool = False
    ) -> None:
        """Say what became of one submission; known: it was judged before."""
        self.ready += 1
        self.judged += not known
        failed = [c for le in record["lessons"] for c in le["checks"] if c["outcome"] == o.FAIL]
        for check in failed:
            self.failed[check["id"]] += 1
            self.titles[check["id"]] = check["title"]
        earned, judged, _ = records.points(record)
        more = f" and {len(failed) - 6} more" if len(failed) > 6 else ""
        said = "did not pass: " + " ".join(c["id"] for c in failed[:6]) + more if failed else ""
        if record["remark"]:
            said = f"no verdict: {record['remark']}"
        before = ""
        if old and not known and old["lessons"] and records.earned(old) != earned:
            before = f" (was {records.earned(old)})"
        points = f"{earned}/{judged}" if record["lessons"] else "-"
        width = len(str(self.count))
        self.say(f"[{self.ready:{width}}/{self.count}] {record['name']:<20} {points:>7}{before}  "
                 f"{said or ('known' if known else '')}".rstrip())  # fmt: skip

    def busy(self, names: list[str]) -> None:
        """Draw the bar anew: who is being judged, how many a minute, how long it will take."""
        if not self.live:
            return
        spent = time.monotonic() - self.begin
        rate = self.judged / spent if self.judged else 0.0
        left = f", {_span((self.count - self.ready) / rate)} left" if rate else ""
        full = round(20 * self.ready / max(self.count, 1))
        text = (f"{'█' * full}{'░' * (20 - full)} {self.ready}/{self.count}  "
                f"{rate * 60:.0f} a minute{left}  {' '.join(names)}")  # fmt: skip
        text = o.inert(text).replace("\n", " ")[:110]
        if text != self.shown:
            sys.stderr.write(f"\r{text}\x1b[K")
            sys.stderr.flush()
            self.shown = text

    def _clear(self) -> None:
        if self.live and self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self.shown = ""


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
