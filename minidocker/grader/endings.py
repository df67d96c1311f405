"""How a scene can end before it has said what the check waits for, in words for the learner."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from typing import Any

from minidocker.course.outcomes import Fail, NotStarted
from minidocker.errors import explain

ENDINGS = ("raised", "missing", "stranger", "unsaid", "noise", "broken")


@dataclass(frozen=True, slots=True)
class Message:
    """What a scene said. `sender` is its pid out here, as the kernel signed it."""

    event: str
    facts: dict[str, Any]
    sender: int

    def __getitem__(self, name: str) -> Any:
        if name not in self.facts:
            raise Fail("MD9008")  # no scene leaves it out: the learner's code wrote this
        return self.facts[name]


def of_message(message: Message, doing: str, file: str) -> Exception:
    """Return what an event of ENDINGS means: Fail with what the code did, or NotStarted."""
    event = message.event
    if event == "raised":
        return _of_exception(message, doing)
    if event == "broken":
        return RuntimeError(f"the scene: {message['kind']}: {message['text']}")
    if event == "missing":
        return Fail("MD9001", name=message["name"], file=file)
    if event == "stranger":
        return Fail("MD9003", name=message["name"], file=file, source=message["source"])
    if event == "unsaid":
        return Fail("MD9016", text=message["text"], ran=doing)
    return Fail("MD9008", ran=doing)


def _of_exception(message: Message, doing: str) -> Exception:
    step = str(message.facts.get("step", doing))
    kind, text = str(message["kind"]), str(message["text"])
    early = step.startswith("importing ")
    if not early and kind == "NotImplementedError":
        return NotStarted(step.partition("(")[0])
    trace = str(message["trace"])
    if not message["own"] and kind != "SyntaxError" and "minidocker." not in text:
        trace = "outside your file"
    if kind == "KernelError":
        text += meaning(text)
    if early:
        return Fail("MD9019", kind=kind, text=text, file=step.partition(" ")[2], trace=trace)
    return Fail("MD9004", kind=kind, text=text, step=step, trace=trace)


def meaning(text: str) -> str:
    """Return what an errno usually means, as a sentence: "mount(2) on /x: EINVAL, …".

    EPERM left out: a cell's root has what its calls need, so what is missing says nothing.
    """
    found = re.match(r"(\w+\(2\)( [A-Z]+)?).*: (E[A-Z0-9]+), ", text)
    number = getattr(errno, found[3], 0) if found else 0
    said = explain(found[1], number) if found and number != errno.EPERM else ""
    return f". It means: {said}." if said else ""


def of_process(status: int | None, doing: str) -> Fail:
    """Return what it means that the scene's process is gone; None: only its line is closed."""
    if status is None:
        return Fail("MD9005", step=doing, how="the line to it is closed")
    code = os.waitstatus_to_exitcode(status)
    how = f"signal {-code}" if code < 0 else f"exit status {code}"
    return Fail("MD9005", step=doing, how=how)
