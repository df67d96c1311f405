"""The words of a template: text, and what stands between {{ and }}.

text/template of Go's standard library is the specification: https://pkg.go.dev/text/template
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from minidocker.errors import MinidockerError

SHAPE = re.compile(
    r"""(?P<space>\s+)
    | (?P<string>"(?:[^"\\\n]|\\.)*" | `[^`]*`)
    | (?P<char>'(?:[^'\\\n]|\\.)+')
    | (?P<number>[+-]?\d+(?:\.\d+)?\b)
    | (?P<field>\.[^\W\d]\w*)
    | (?P<variable>\$\w*)
    | (?P<word>[^\W\d]\w*)
    | (?P<mark>:= | [=|(),.])""",
    re.VERBOSE,
)
ESCAPES = re.compile(r"\\(?:[abfnrtv\\'\"]|x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}"
                     r"|U[0-9a-fA-F]{8})")  # fmt: skip


class TemplateError(MinidockerError):
    """A template that cannot be read (status 64, as of `docker inspect`) or filled in (1)."""

    def __init__(self, why: str, remedy: str = "", status: int = 64, docker: str = "") -> None:
        super().__init__(f"--format: {why}", remedy or "--format json", status, docker)


class Token(NamedTuple):
    """A word inside an action: its `kind`, its text, where it stands, whether it touches the last.

    `line` and `column` are what Go's own messages count: lines from 1, bytes from 0.
    """

    kind: str
    text: str
    line: int
    column: int
    glued: bool

    @property
    def value(self) -> object:
        """The constant that a string, a character or a number stands for."""
        if self.kind == "number":
            return float(self.text) if "." in self.text else int(self.text)
        if self.text[0] == "`":
            return self.text[1:-1]
        word = ast.literal_eval(self.text)
        return ord(word) if self.kind == "char" else word


def pieces(template: str) -> list[str | list[Token]]:
    """Cut a template into texts and actions; an action is the list of its tokens."""
    found: list[str | list[Token]] = []
    place, trim = 0, False
    while (start := template.find("{{", place)) >= 0:
        text = template[place:start]
        inner = start + 2
        if cut := template[inner : inner + 1] == "-" and template[inner + 1 : inner + 2].isspace():
            inner += 2
        found.append(_trimmed(text, trim, cut))
        tokens: list[Token] = []
        if comment := re.compile(r"/\*.*?\*/", re.DOTALL).match(template, inner):
            end = comment.end()
        else:
            tokens, end = _tokens(template, inner)
        closing = re.compile(r"(\s-)?\s*}}" if comment else r"(\s*-)?}}").match(template, end)
        if not closing:
            raise TemplateError(f"an action lacks its }}}}: {template[start:]}",
                                docker=f"template parsing error: template: :{_line(template, end)}:"
                                       " unclosed action")  # fmt: skip
        trim, place = bool(closing[1]), closing.end()
        if not comment:
            found.append(tokens)
    found.append(_trimmed(template[place:], trim, False))
    return found


def _trimmed(text: str, left: bool, right: bool) -> str:
    """Take the white space away that {{- and -}} ask for."""
    text = text.lstrip() if left else text
    return text.rstrip() if right else text


def _tokens(template: str, place: int) -> tuple[list[Token], int]:
    """Read the words of one action, up to its "}}" or " -}}": (words, where they end)."""
    found: list[Token] = []
    glued = False
    line = _line(template, place)
    while place < len(template) and not re.match(r"(\s-)?}}|-}}", template[place : place + 4]):
        word = SHAPE.match(template, place)
        if not word:
            raise TemplateError(
                f"{template[place]!r} has no meaning in {{{{ }}}}",
                docker=f"template parsing error: template: :{line}: unexpected "
                f'"{template[place]}" in operand',
            )  # fmt: skip
        kind, text = str(word.lastgroup), word[0]
        if kind in ("string", "char") and text[0] != "`":
            _check_escapes(text)
        column = len(template[template.rfind("\n", 0, place) + 1 : place].encode(errors="replace"))
        if kind != "space":
            found.append(Token(kind, text, _line(template, place), column, glued))
        glued = kind != "space"
        place = word.end()
    return found, place


def _check_escapes(text: str) -> None:
    """Refuse what Go would: a backslash before anything that it gives no meaning to."""
    if "\\" in ESCAPES.sub("", text) or (text[0] == "'" and len(ast.literal_eval(text)) != 1):
        raise TemplateError(
            f"{text} is no string of Go's", 'write it as "…", with \\" and \\\\ inside'
        )


def _line(template: str, place: int) -> int:
    return template.count("\n", 0, place) + 1
