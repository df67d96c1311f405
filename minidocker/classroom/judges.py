"""The judges at work: N processes, each with one submission; one that dies or hangs is replaced."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from minidocker.course.manifest import OWN_COURSE

Job = dict[str, Any]
"""What goes to a worker (worker.py), and under "found" whose it is."""
CODE = (
    "import sys; sys.path.insert(0, {!r}); "
    "from minidocker.classroom.worker import main; sys.exit(main())"
)
TRIES = 2
"""A judge that was killed is our trouble, not the submission's: it is tried once more."""
MOST_ANSWER = 64 << 20


@dataclass
class Judge:
    """One process that judges, its words on stderr kept in a file, and what it has in hand."""

    job: Job | None = None
    until: float = 0.0
    said: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.words = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE.format(str(OWN_COURSE)), str(os.getpid())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.words,
            start_new_session=True,  # Ctrl-C is for the coordinator, which ends the others
        )  # fmt: skip
        assert self.process.stdout is not None
        self.out = self.process.stdout

    def give(self, job: Job, seconds: float) -> None:
        """Hand a job over; one that cannot take it has died, which `read` will say."""
        self.job, self.until = job, time.monotonic() + seconds
        self.said.clear()
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            asked = {name: job[name] for name in ("files", "lessons", "variants") if name in job}
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            self.process.stdin.flush()

    def read(self) -> dict[str, Any] | None:
        """Take what has come; return a verdict when it is whole. EOFError: the judge has ended."""
        data = os.read(self.out.fileno(), 1 << 20)
        self.said += data
        if not data or len(self.said) > MOST_ANSWER:
            raise EOFError
        if not self.said.endswith(b"\n"):
            return None
        told: dict[str, Any] = json.loads(self.said)
        return told

    def end(self) -> str:
        """End the process and say how it ended; its cells end with it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self.words.seek(0)
        lines = self.words.read()[-2000:].decode(errors="replace").strip().splitlines()
        self.words.close()
        return lines[-1][:200] if lines and code > 0 else f"signal {-code}" if code < 0 else ""


def work(
    jobs: Iterator[Job], count: int, seconds: float, busy: Callable[[list[str]], None]
) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Judge jobs in `count` processes; yield (job, verdict), or {"remark"} where there is none.

    seconds: the most for one submission. busy: called with the names in hand, now and then.
    """
    judges: list[Judge] = []
    again: list[Job] = []
    more = True
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        stack.callback(lambda: [judge.end() for judge in judges])

        def leave(judge: Judge) -> str:
            selector.unregister(judge.out)
            judges.remove(judge)
            return judge.end()

        while True:
            idle = [judge for judge in judges if judge.job is None]
            while (more or again) and (idle or len(judges) < count):
                job = again.pop() if again else next(jobs, None)
                if job is None:
                    more = False
                    break
                if not idle:
                    idle.append(Judge())
                    judges.append(idle[-1])
                    selector.register(idle[-1].out, selectors.EVENT_READ, idle[-1])
                idle.pop().give(job, seconds)
            working = [judge for judge in judges if judge.job]
            if not working and not more and not again:
                return
            busy([str(judge.job["name"]) for judge in working if judge.job])
            for key, _ in selector.select(0.25):
                judge = key.data
                job = judge.job
                try:
                    told = judge.read()
                except (EOFError, ValueError):
                    how = leave(judge)
                    if job is None:
                        continue
                    job["tries"] = job.get("tries", 0) + 1
                    if job["tries"] < TRIES:
                        again.append(job)
                    else:
                        yield job, {"remark": f"its judge ended {TRIES} times ({how})"}
                    continue
                if told is not None and job is not None:
                    judge.job = None
                    yield job, told
            for judge in [one for one in judges if one.job and time.monotonic() > one.until]:
                job = judge.job
                leave(judge)
                assert job is not None
                yield job, {"remark": f"it took more than {seconds:.0f} s in all"}
