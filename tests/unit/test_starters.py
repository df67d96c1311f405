"""The exercise derived from the solution: what a learner gets in place of the code."""

from __future__ import annotations

import pytest

from minidocker.course.manifest import Function
from minidocker.course.starters import derive
from minidocker.errors import MinidockerError

SOLUTION = '''"""Lesson."""

import os

ORDER = ["b", "a"]


# 1. HOLE
def hole(kernel):
    """Do it.

    return 1 is not meant here.
    """
    for name in "ab":
        kernel.mount(name)
    return 1


# 2. CONTRACT
def contract(kernel, x):
    """Do that."""

    def inner():
        return 2

    return inner()


def given():
    return 3


def undocumented():
    return 4
'''


def made(**more: Function) -> str:
    wanted = {
        "ORDER": Function("ORDER", "", starter='["a", "b"]'),
        "hole": Function("hole", "", holes=(("mount(name)", "mount(...)"), ("return 1\n", "return ...\n"))),
        "contract": Function("contract", ""),
    }
    return derive(SOLUTION, {**wanted, **more}.values())


def test_what_is_given_stays_and_the_rest_is_replaced() -> None:
    assert made() == '''"""Lesson."""

import os

ORDER = ["a", "b"]


# 1. HOLE
def hole(kernel):
    """Do it.

    return 1 is not meant here.
    """
    for name in "ab":
        kernel.mount(...)
    return ...


# 2. CONTRACT
def contract(kernel, x):
    """Do that."""
    raise NotImplementedError("contract is yours to write")


def given():
    return 3


def undocumented():
    return 4
'''


def test_another_body() -> None:
    text = made(undocumented=Function("undocumented", "", starter="if 1:\n    return 5\n"))
    assert text.endswith("def undocumented():\n    if 1:\n        return 5\n")


def test_no_solution_has_no_exercise() -> None:
    assert derive("", [Function("f", "")]) == ""


@pytest.mark.parametrize(
    "function",
    [
        Function("nowhere", ""),
        Function("hole", "", holes=(("not there", "..."),)),
        Function("hole", "", holes=(("name", "..."),)),  # it is there twice
    ],
)
def test_what_does_not_fit_is_said(function: Function) -> None:
    with pytest.raises(MinidockerError, match=function.name):
        derive(SOLUTION, [function])
