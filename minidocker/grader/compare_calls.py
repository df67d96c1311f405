"""Two functions, call by call: where does a learner's ask the kernel for something else than ours?

Both are played in a cell, to a kernel that only listens. The first call that differs is told,
and how; what stands in ours is not. Another way may be right too: the checks decide.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from minidocker.chamber.client import Maker
from minidocker.course.exercise_file import Subject
from minidocker.course.manifest import Function
from minidocker.course.outcomes import Fail
from minidocker.grader.cell import Cell
from minidocker.kernel.interface import Kernel

SCENES = Path(__file__).with_name("scenes_calls.py")
NUMBERS = ("no calls", "1 call")


def compare(function: Function, mine: Subject, ours: Subject) -> list[str]:
    """Return the comparison of two files' versions of a function, line by line.

    Blocked where no cell can be made.
    """
    with closing(Maker()) as maker:
        theirs = listen(maker, function, ours)
        try:
            heard = listen(maker, function, mine)
        except Fail as problem:
            return problem.text.splitlines()
    for role, where in (("parent", ""), ("child", "in the child of the fork: ")):
        lines = list(_told(heard[role], theirs[role], where))
        if lines:
            return lines
    return ["Call by call, yours is ours: the difference is in what it does besides the calls."]


def listen(maker: Maker, function: Function, subject: Subject) -> dict[str, Any]:
    """Return what a function asks of the kernel: as the parent of a fork, and as the child."""
    args = {"name": function.name, "example": function.example}
    with Cell(maker, subject, SCENES, "calls", args) as cell:
        return cell.expect("calls").facts


def _told(mine: dict[str, Any], ours: dict[str, Any], where: str) -> Iterator[str]:
    """Say the first difference, after the calls that are the same; nothing when there is none."""
    calls, others = mine["calls"], ours["calls"]
    same = 0
    while same < min(len(calls), len(others)) and _key(calls[same]) == _key(others[same]):
        same += 1
    verdict = _verdict(mine, ours, same)
    if not verdict:
        return
    for number, call in enumerate(calls[: same + 1], 1):
        yield f"{number:3}  {call['told']}   {'the same' if number <= same else '← here'}"
    yield where + verdict


def _verdict(mine: dict[str, Any], ours: dict[str, Any], same: int) -> str:
    """Say how two lists of calls differ after the first `same`, or how they end."""
    calls, others = mine["calls"], ours["calls"]
    place = f"your call {same + 1} of {len(calls)}"
    if same < len(calls) and same < len(others):
        return f"{place} differs: {_how(calls[same], others[same])}."
    if same < len(calls):
        return f"{place} is one that ours does not make: ours ends before it."
    if mine["raised"] != ours["raised"]:
        return f"after {_number(same)} yours ends with {mine['raised']}."
    if same < len(others):
        next_one = f"ours makes {len(others)}, next {_name(others[same])}"
        return f"yours ends after {_number(same)}; {next_one}."
    if mine["result"] != ours["result"]:
        return f"the calls are the same; yours returns {mine['result']}, and ours does not."
    return ""


def _key(call: dict[str, Any]) -> tuple[str, list[str]]:
    return call["name"], call["values"]


def _how(mine: dict[str, Any], ours: dict[str, Any]) -> str:
    """Say in which way one call differs from another."""
    if mine["name"] != ours["name"]:
        return f"ours is {_name(ours)}"
    names = list(inspect.signature(getattr(Kernel, mine["name"])).parameters)[1:]
    pairs = zip(names, mine["values"], ours["values"], strict=True)
    return "it has another " + " and another ".join(name for name, a, b in pairs if a != b)


def _name(call: dict[str, Any]) -> str:
    return str(call["told"]).partition("(")[0]


def _number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else f"{count} calls"
