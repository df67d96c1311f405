"""From the words of a template to a tree of what is to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from minidocker.formats.functions import FUNCTIONS
from minidocker.formats.tokens import TemplateError, Token, pieces

DEEPEST = 100  # parentheses and blocks within one another
BLOCKS = ("if", "range", "with")
NOT_OURS = ("block", "break", "continue", "define", "template")


@dataclass(slots=True)
class Operand:
    """One value: a field of "." or of what `start` gives, a variable, a constant, a function.

    `kind` is "dot", "variable", "constant", "function" or "pipe"; `fields` follow it.
    """

    kind: str
    start: object
    fields: list[str]
    line: int
    column: int
    text: str


@dataclass(slots=True)
class Command:
    """An operand and its arguments: `join .Names ","`."""

    words: list[Operand]


@dataclass(slots=True)
class Pipe:
    """Commands, each of which gives its value to the next as its last argument.

    `names` are the variables that take the value; `new` says whether by ":=".
    """

    commands: list[Command]
    names: list[str] = field(default_factory=list)
    new: bool = True


@dataclass(slots=True)
class Block:
    """{{if}}, {{range}} or {{with}}: what is done, and what otherwise."""

    kind: str
    pipe: Pipe
    body: list[Node]
    otherwise: list[Node]


Node = Union[str, Pipe, Block]  # noqa: UP007  (a name for a type that names itself)


def parse(template: str) -> list[Node]:
    """Read a template; TemplateError says what is wrong in it."""
    return _Parser(pieces(template)).whole()


class _Parser:
    """The pieces of a template, and how far they have been read."""

    def __init__(self, found: list[str | list[Token]]) -> None:
        self.pieces = found
        self.place = 0
        self.scopes: list[set[str]] = [{"$"}]
        self.depth = 0

    def whole(self) -> list[Node]:
        body, end = self.body()
        if end:
            raise _unexpected(end[0], "there is no block that it could belong to")
        return body

    def body(self) -> tuple[list[Node], list[Token]]:
        """Read up to {{end}} or {{else}}: (what stands there, the words of that action)."""
        made: list[Node] = []
        while self.place < len(self.pieces):
            piece = self.pieces[self.place]
            self.place += 1
            if isinstance(piece, str):
                made += [piece] if piece else []
                continue
            first = piece[0] if piece else None
            if first is None:
                raise TemplateError("{{ }} has nothing in it", docker="missing value for command")
            if first.kind == "word" and first.text in ("end", "else"):
                return made, piece
            if first.kind == "word" and first.text in NOT_OURS:
                raise TemplateError(f"{{{{{first.text}}}}} is not known here",
                                    "if, range, with, else and end are")  # fmt: skip
            if first.kind == "word" and first.text in BLOCKS:
                made.append(self.block(first.text, piece[1:], first))
            else:
                made.append(self.pipe(piece, "command"))
        return made, []

    def block(self, kind: str, words: list[Token], first: Token) -> Block:
        """Read a block: its condition, its body, and its other branch."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise TemplateError("blocks stand too deep in one another", "a simpler template")
        self.scopes.append(set(self.scopes[-1]))
        pipe = self.pipe(words, kind)
        body, end = self.body()
        otherwise: list[Node] = []
        if end and end[0].text == "else":
            self.scopes[-1] = set(self.scopes[-2])
            if len(end) > 1 and end[1].text in ("if", "with"):
                otherwise = [self.block(end[1].text, end[2:], end[1])]
                end = [Token("word", "end", 0, 0, False)]  # the inner one's {{end}} ends both
            else:
                otherwise, end = self.body()
        if not end or end[0].text != "end" or len(end) > 1:
            raise TemplateError(
                f"{{{{{kind}}}}} lacks its {{{{end}}}}", "--format '{{if .Names}}…{{end}}'",
                docker=f"template parsing error: template: :{first.line}: unexpected EOF",
            )  # fmt: skip
        self.scopes.pop()
        self.depth -= 1
        return Block(kind, pipe, body, otherwise)

    def pipe(self, words: list[Token], context: str) -> Pipe:
        """Read a whole action, with `$x :=` before it where a variable takes the value."""
        names: list[str] = []
        new, rest = True, words
        marks = [w.text for w in words[:4]]
        for count in (1, 3):
            if len(marks) > count and marks[count] in (":=", "=") and words[0].kind == "variable":
                names = [w.text for w in words[:count] if w.kind == "variable"]
                new, rest = marks[count] == ":=", words[count + 1 :]
                break
        if len(names) > 1 and context != "range":
            raise TemplateError("only {{range}} gives two variables a value")
        made, left = self.commands(rest, context)
        if left:
            raise _unexpected(left[0])
        if new:
            self.scopes[-1].update(names)
        elif unknown := [name for name in names if name not in self.scopes[-1]]:
            raise _undefined(unknown[0], words[0])
        return Pipe(made, names, new)

    def commands(self, words: list[Token], context: str) -> tuple[list[Command], list[Token]]:
        """Read commands with "|" between them; stop at ")" or the end."""
        made: list[Command] = []
        while True:
            command, words = self.command(words, context)
            made.append(command)
            if not words or words[0].text == ")":
                break
            words = words[1:]  # the "|"
        for later in made[1:]:
            if later.words[0].kind != "function" and not later.words[0].fields:
                raise TemplateError(f"nothing can be piped into {later.words[0].text}",
                                    "a function stands behind |")  # fmt: skip
        return made, words

    def command(self, words: list[Token], context: str) -> tuple[Command, list[Token]]:
        made: list[Operand] = []
        while words and not (words[0].kind == "mark" and words[0].text in ("|", ")")):
            if made and words[0].glued:
                raise _unexpected(words[0])
            operand, words = self.operand(words)
            made.append(operand)
        if not made:
            raise TemplateError(
                f"a value is missing for {context}",
                docker=f"template parsing error: template: :1: missing value for {context}",
            )
        return Command(made), words

    def operand(self, words: list[Token]) -> tuple[Operand, list[Token]]:
        """Read one value and the fields that are glued to it."""
        first, rest = words[0], words[1:]
        made = Operand("dot", None, [], first.line, first.column, first.text)
        if first.kind == "field":
            made.fields.append(first.text[1:])
        elif first.kind == "variable":
            made.kind, made.start = "variable", first.text
            if first.text not in self.scopes[-1]:
                raise _undefined(first.text, first)
        elif first.kind == "word":
            made = _word(first)
        elif first.text == "(":
            made, rest = self.parenthesis(first, rest)
        elif first.kind in ("string", "char", "number"):
            made.kind, made.start = "constant", first.value
        elif first.text != ".":
            raise _unexpected(first)
        while rest and rest[0].kind == "field" and rest[0].glued:
            if made.kind in ("constant", "function"):
                raise _unexpected(rest[0])
            made.fields.append(rest[0].text[1:])
            made.text += rest[0].text
            rest = rest[1:]
        return made, rest

    def parenthesis(self, first: Token, rest: list[Token]) -> tuple[Operand, list[Token]]:
        self.depth += 1
        if self.depth > DEEPEST:
            raise TemplateError("parentheses stand too deep in one another", "a simpler template")
        made, rest = self.commands(rest, "parenthesized pipeline")
        self.depth -= 1
        if not rest:
            raise TemplateError(
                "a ( lacks its )",
                docker=f"template parsing error: template: :{first.line}: unclosed left paren",
            )
        return Operand("pipe", Pipe(made), [], first.line, first.column, "(…)"), rest[1:]


def _word(token: Token) -> Operand:
    """Read a word: a constant of Go's, or the name of a function."""
    constants: dict[str, object] = {"true": True, "false": False, "nil": None}
    made = Operand("constant", None, [], token.line, token.column, token.text)
    if token.text in constants:
        made.start = constants[token.text]
    elif token.text in FUNCTIONS or token.text in ("and", "or"):
        made.kind, made.start = "function", token.text
    else:
        raise TemplateError(
            f"there is no function {token.text}",
            f"a field begins with a dot: .{token.text}   (functions: {' '.join(FUNCTIONS)})",
            docker=f'template parsing error: template: :{token.line}: function "{token.text}" '
            "not defined",
        )
    return made


def _unexpected(token: Token, why: str = "") -> TemplateError:
    return TemplateError(
        f"{token.text} cannot stand there" + (f": {why}" if why else ""),
        docker=f"template parsing error: template: :{token.line}: unexpected {{{{{token.text}}}}}",
    )


def _undefined(name: str, token: Token) -> TemplateError:
    return TemplateError(
        f"the variable {name} has no value yet", f"{{{{{name} := …}}}} first",
        docker=f'template parsing error: template: :{token.line}: undefined variable "{name}"',
    )  # fmt: skip
