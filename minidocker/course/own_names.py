"""Hints in the words of one learner's own exercise: a variant has other names for what is given.

`minidocker class pack` writes them beside the variant's files, in exercises/.starters/names.json:
{"01_pid": {"init": {"pid": "the_pid"}}}. Without that file every hint is as the course has it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

FILE = "exercises/.starters/names.json"
WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
PIECE = re.compile(r"`[^`]*`|[\w.]+(?:\([^()]*\)|\[[^\[\]]*\])+")
"""In prose: what stands in backticks, and a call or an index."""
MANUAL = re.compile(r"\w+\(\d\w*\)")
"""poll(2) is a page of the manual."""
AROUND = (("", ""), ("", " pass"), ("", " pass\nfinally: pass"), ("if x: pass\n", " pass"),
          ("try: pass\n", " pass"), ("[x ", "]"))  # fmt: skip
"""What makes a line whole: it may be the beginning of a block, or the end of a comprehension."""
Names = Mapping[str, Mapping[str, str]]
"""Function → the name in the course's exercise → the name in this learner's."""


def read(root: Path, lesson: str) -> dict[str, dict[str, str]]:
    """Return the names of a lesson's variant in a learner's edition; {} where it has none."""
    try:
        found = json.loads((root / FILE).read_text(encoding="utf-8"))[lesson]
        return {str(function): {str(old): str(new) for old, new in names.items()}
                for function, names in found.items()}  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def followed(text: str, names: Names, functions: Iterable[str]) -> str:
    """Return a hint with the learner's own names where it shows code of these functions.

    Of two functions that call one name differently, the first named counts.
    """
    new: dict[str, str] = {}
    for function in functions:
        new = {**names.get(function, {}), **new}
    return "\n".join(_line(line, new) for line in text.split("\n")) if new else text


def _line(line: str, new: Mapping[str, str]) -> str:
    """Rename in a line that is Python, or in the pieces of it that are."""
    code, mark, said = line.partition("  #")
    if is_code(code):
        return _put(code, new) + mark + PIECE.sub(lambda piece: _piece(piece[0], new), said)
    return PIECE.sub(lambda piece: _piece(piece[0], new), line)


def _piece(piece: str, new: Mapping[str, str]) -> str:
    code = piece.strip("`")
    return _put(piece, new) if is_code(code) and not MANUAL.fullmatch(code) else piece


def is_code(text: str) -> bool:
    """Say whether a line is Python, alone or as the beginning of a block; one word is none."""
    text = text.strip().replace("…", "...")
    if len(text.split()) < 2 and not re.search(r"[(\[=]", text):
        return False
    for before, after in AROUND:
        try:
            ast.parse(before + text + after)
        except (SyntaxError, ValueError):
            continue
        return True
    return False


def _put(code: str, new: Mapping[str, str]) -> str:
    """Rename words outside of plain texts; in an f-string what its braces hold."""
    done = []
    for number, part in enumerate(re.split(r"""(f?"[^"]*"|f?'[^']*')""", code)):
        if number % 2 == 0:
            part = _words(part, new)
        elif part[0] == "f":
            part = re.sub(r"\{[^{}]*\}", lambda hole: _words(hole[0], new), part)
        done.append(part)
    return "".join(done)


def _words(code: str, new: Mapping[str, str]) -> str:
    return WORD.sub(lambda found: new.get(found[0], found[0]), code)
