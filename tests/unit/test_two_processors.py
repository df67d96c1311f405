"""What differs between x86_64 and arm64 is never one number for both."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from minidocker.seccomp import calls
from minidocker.stages import masks

HERE = Path(__file__).resolve().parents[2]
FILES = sorted(
    path for room in ("minidocker", "solutions", "exercises", "docs") for path in (HERE / room).rglob("*.py")
)
# arch/arm64/include/uapi/asm/fcntl.h: four flags of open(2) have other numbers there. One of
# x86_64's for "follow no link" means "large files" on arm64, and links are followed.
THEIR_OWN = ("O_DIRECTORY", "O_NOFOLLOW", "O_DIRECT", "O_LARGEFILE", "O_TMPFILE")
SHARED = 424  # from this call on, every architecture has the same numbers
BOTH = {"x86_64", "aarch64"}


def constants(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield (name, number) of what is set to a number, one by one or several at once."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            names = target.elts if isinstance(target, ast.Tuple) and several else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) and several else [node.value]
            for name, value in zip(names, values, strict=False):
                number = value.value if isinstance(value, ast.Constant) else None
                if isinstance(name, ast.Name) and isinstance(number, int):
                    yield name.id, number


def faults(source: str) -> list[str]:
    """Return what would be wrong on one of the two."""
    tree, found = ast.parse(source), []
    found += [name for name, _ in constants(tree) if name in THEIR_OWN]
    found += [name for name, number in constants(tree) if name.startswith("SYS_") and number < SHARED]
    # Programs that stand in text: an escape's, a cell's.
    found += re.findall(rf"\b(?:{'|'.join(THEIR_OWN)})\b *= *0", source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            if keys & BOTH and not keys >= BOTH and not got_with_a_default(tree, node):
                found.append(f"line {node.lineno}: {sorted(map(str, keys & BOTH))} alone")
    return found


def got_with_a_default(tree: ast.AST, table: ast.Dict) -> bool:
    """Say whether a table is asked by `.get(name, other)` at once."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        and node.func.value is table and node.func.attr == "get" and len(node.args) == 2
        for node in ast.walk(tree)
    )  # fmt: skip


def test_no_number_is_of_one_processor_alone() -> None:
    found = {str(path.relative_to(HERE)): faults(path.read_text()) for path in FILES}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "source",
    [
        "O_PATH, O_NOFOLLOW = 0o10000000, 0o400000", "O_DIRECTORY = 65536", "SYS_MKDIR = 83",
        'SYS = {"x86_64": 83}', 'program = "O_DIRECTORY = 0o200000"',
    ],
)  # fmt: skip
def test_the_check_sees_such_a_number(source: str) -> None:
    assert faults(source)
    assert not faults('SYS_OPENAT2 = 437\nA = {"x86_64": 1, "aarch64": 2}\nB = {"x86_64": 1}.get(m, 3)')


def test_the_null_device_is_opened_without_following_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the number that this processor has for it; an arm64's stands for x86_64's here."""
    monkeypatch.setattr(os, "O_NOFOLLOW", 0o100000)
    asked: list[int] = []

    class Null:
        def open(self, path: str, flags: int) -> int:
            asked.append(flags)
            return 7

        def device(self, path: str) -> tuple[int, int]:
            return masks.NULL

    assert masks.real_null(Null()).endswith("self/fd/7")
    assert asked == [0o10000000 | 0o100000]


@pytest.mark.parametrize("machine", sorted(BOTH))
def test_lesson_11_refuses_calls_that_no_check_needs(machine: str) -> None:
    """On arm64 x86_64's numbers for modules are getpid(2) and its neighbours."""
    spec = importlib.util.spec_from_file_location("eleven", HERE / "tests/stages/test_11_seccomp.py")
    assert spec and spec.loader
    lesson = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lesson)
    names = {number: name for name, number in calls.numbers()[machine].items()}
    needed = [names[number] for number in lesson.SPARE[machine] if names.get(number, "").startswith("get")]
    assert set(needed) <= {"get_kernel_syms"}
    assert {"mkdirat"} <= {names.get(number) for number in lesson.MKDIR[machine]}
