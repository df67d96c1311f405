"""Holes: the package as the exam's room has it, without the functions that are the learner's.

A container that comes up there has been made by code of the learner's at every hole: nothing else
in the room could have done it. So no line that learner code prints or writes is needed as a proof,
and none is believed.
"""

from __future__ import annotations

import ast
import marshal
import struct
import sys
from collections.abc import Iterable
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

from minidocker.course.manifest import OWN_COURSE
from minidocker.errors import MinidockerError
from minidocker.stages import by_name

HOME = "minidocker"
# What no container is made with, and some of which does what learners are to do by themselves.
LEFT_OUT = (
    "bench", "chamber", "classroom", "doctor", "escapes", "exam", "grader", "lab", "make", "vm",
    "course/lessons",
)  # fmt: skip
DATA = (".json", ".txt")
UNCHECKED = struct.pack("<I", 1) + bytes(8)  # flags of a .pyc: by hash, which nobody looks at
SAID = "raise NotImplementedError('{name}: a hole, which a function of yours fills')"


def package(parts: Iterable[tuple[str, str]]) -> dict[str, bytes]:
    """Return the files of the package, each of `parts` (stage, name) emptied: path → content."""
    found: dict[str, bytes] = {}
    top = OWN_COURSE / HOME
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        if name.startswith(tuple(f"{one}/" for one in LEFT_OUT)) or not path.is_file():
            continue
        if path.suffix == ".py" or path.suffix in DATA:
            found[f"{HOME}/{name}"] = path.read_bytes()
    cut = set()
    for stage, name in parts:
        file, line = place_of(stage, name)
        key = f"{HOME}/{file.relative_to(top).as_posix()}"
        found[key] = without(found[key].decode(), name, line).encode()
        cut.add(key)
    for key in [key for key in found if key.endswith(".py")]:
        code = compiled(found[key], key) if key in cut else kept(OWN_COURSE / key)
        if code:
            folder, _, name = key.rpartition("/")
            tag = f"{name.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
            found[f"{folder}/__pycache__/{tag}"] = code
    return found


def compiled(text: bytes, key: str) -> bytes:
    """Compile a module, in the form that Python loads without a look at the source. PEP 552"""
    code = compile(text, f"/opt/exam/{key}", "exec", dont_inherit=True)
    return MAGIC_NUMBER + UNCHECKED + marshal.dumps(code)


def kept(path: Path) -> bytes:
    """Return what Python has compiled of a module here; b"" when there is none, or it is older.

    The room is read-only: without it every start of the runtime would compile all of it again.
    """
    try:
        data = Path(cache_from_source(str(path))).read_bytes()
        status = path.stat()
    except OSError:
        return b""
    said = struct.pack("<III", 0, int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF)
    if data[:4] != MAGIC_NUMBER or data[4:16] != said:
        return b""
    return MAGIC_NUMBER + UNCHECKED + data[16:]


def place_of(stage: str, name: str) -> tuple[Path, int]:
    """Return where a part of a stage is written: its file and its first line."""
    code = getattr(getattr(by_name(stage), name), "__code__", None)
    if code is None:
        raise MinidockerError(f"the stage {stage} has no part {name}")
    return Path(code.co_filename).resolve(), code.co_firstlineno


def without(text: str, name: str, line: int) -> str:
    """Return a module's text with one function's body replaced by an error.

    line: where the function was written, which tells it from another of its name. What was cut out
    before has kept its number of lines, so that the places of the others are still true.
    """
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef) or node.name != name:
            continue
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        if first != line:
            continue
        lines = text.splitlines()
        begin, end = node.body[0].lineno, node.end_lineno or node.body[-1].lineno
        indent = " " * node.body[0].col_offset
        cut = [indent + SAID.format(name=name), *[""] * (end - begin)]
        return "\n".join([*lines[: begin - 1], *cut, *lines[end:], ""])
    raise MinidockerError(f"the function {name} is not at line {line} of its module")
