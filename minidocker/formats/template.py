"""A template that has been read, filled in with a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minidocker.formats.functions import FUNCTIONS, Wrong
from minidocker.formats.parser import Block, Command, Node, Operand, Pipe, parse
from minidocker.formats.tokens import TemplateError
from minidocker.formats.values import MISSING, Map, is_true, shown

NOTHING = object()  # no value comes through the pipe
Names = list[dict[str, Any]]  # variables, the innermost block last


class Template:
    """One template: `Template("{{.Name}}").fill({"Name": "box"})` is "box".

    `functions` take the place of the usual ones, as for a table's headings.
    """

    def __init__(self, text: str, functions: dict[str, Any] | None = None) -> None:
        self.nodes = parse(text)
        self.functions = {**FUNCTIONS, **(functions or {})}

    def fill(self, value: object) -> str:
        """Return the template with the value in it; TemplateError where it does not fit."""
        return "".join(self._all(self.nodes, value, [{"$": value}]))

    def _all(self, nodes: list[Node], dot: object, names: Names) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, str):
                yield node
            elif isinstance(node, Block):
                yield from self._block(node, dot, [*names, {}])
            else:
                value = self._pipe(node, dot, names)
                self._assign(node, [value], names)
                if not node.names:
                    yield shown(value)

    def _block(self, block: Block, dot: object, names: Names) -> Iterator[str]:
        value = self._pipe(block.pipe, dot, names)
        if block.kind == "range":
            yield from self._range(block, value, dot, names)
            return
        self._assign(block.pipe, [value], names)
        if is_true(value):
            yield from self._all(block.body, value if block.kind == "with" else dot, names)
        else:
            yield from self._all(block.otherwise, dot, names)

    def _range(self, block: Block, value: object, dot: object, names: Names) -> Iterator[str]:
        """Do the body for each element: a list's with their numbers, a map's by sorted keys."""
        if isinstance(value, dict):
            pairs: list[tuple[object, object]] = [(key, value[key]) for key in sorted(value)]
        elif isinstance(value, list | tuple):
            pairs = list(enumerate(value))
        elif value is None or value is MISSING:
            pairs = []
        else:
            where = block.pipe.commands[0].words[0]
            raise _failed(where, f"range can't iterate over {shown(value)}")
        for key, each in pairs:
            inner: Names = [*names, {}]
            self._assign(block.pipe, [key, each][-max(1, len(block.pipe.names)) :], inner)
            yield from self._all(block.body, each, inner)
        if not pairs:
            yield from self._all(block.otherwise, dot, names)

    def _assign(self, pipe: Pipe, values: list[object], names: Names) -> None:
        for name, value in zip(pipe.names, values, strict=False):
            scope = names[-1]
            if not pipe.new:
                scope = next(scope for scope in reversed(names) if name in scope)
            scope[name] = value

    def _pipe(self, pipe: Pipe, dot: object, names: Names) -> Any:
        value: object = NOTHING
        for command in pipe.commands:
            value = self._command(command, value, dot, names)
        return value

    def _command(self, command: Command, piped: object, dot: object, names: Names) -> object:
        """Call what the first word says, with the others and what is piped in as arguments."""
        first, *rest = command.words
        if first.kind == "function" and first.start in ("and", "or"):
            return self._first_of(str(first.start), rest, piped, dot, names)
        arguments = [self._operand(word, dot, names, [], called=True) for word in rest]
        arguments += [piped] if piped is not NOTHING else []
        if first.kind == "function":
            return self._call(first, self.functions[str(first.start)], arguments)
        return self._operand(first, dot, names, arguments)

    def _first_of(
        self, name: str, words: list[Operand], piped: object, dot: object, names: Names
    ) -> object:
        """Return the first value that decides `and` or `or`; nobody looks at what stands behind."""
        value: object = None
        for word in words:
            value = self._operand(word, dot, names, [], called=True)
            if is_true(value) is (name == "or"):
                return value
        return value if piped is NOTHING else piped

    def _call(self, word: Operand, function: Any, arguments: list[object]) -> object:
        try:
            return function(*arguments)
        except Wrong as problem:
            raise _failed(word, str(problem)) from None
        except TypeError:
            raise _failed(
                word, f"wrong number of args for {word.text}: got {len(arguments)}"
            ) from None

    def _operand(
        self, word: Operand, dot: object, names: Names, arguments: list[object],
        called: bool = False,
    ) -> object:  # fmt: skip
        """Return a word's value; the last of its fields takes the arguments, if it is a method."""
        value: object = dot
        if word.kind == "constant":
            value = word.start
        elif word.kind == "variable":
            value = next(scope for scope in reversed(names) if word.start in scope)[str(word.start)]
        elif word.kind == "pipe":
            assert isinstance(word.start, Pipe)
            value = self._pipe(word.start, dot, names)
        elif word.kind == "function":
            value = self._call(word, self.functions[str(word.start)], [])
        for name in word.fields:
            value = self._field(word, value, name)
            if callable(value):
                value = self._call(word, value, arguments)
                arguments = []
        if arguments:
            raise _failed(word, f"can't give argument to non-function {word.text}")
        return value

    def _field(self, word: Operand, value: object, name: str) -> object:
        if isinstance(value, Map):
            return value.get(name, MISSING)
        if isinstance(value, dict) and name in value:
            return value[name]
        if value is MISSING or value is None:
            raise _failed(word, f"nil data; no entry for key {name!r}")
        if isinstance(value, dict):
            near = sorted(key for key in value if key.lower() == name.lower())
            known = ", ".join(near or sorted(value))
            raise _failed(word, f'map has no entry for key "{name}"', f"it has {known}")
        raise _failed(word, f"can't evaluate field {name} in type {type(value).__name__}")


def _failed(word: Operand, why: str, remedy: str = "") -> TemplateError:
    """Say that a template does not fit a value, with Go's own words for it as well."""
    docker = (
        f'template parsing error: template: :{word.line}:{word.column}: executing "" at '
        f"<{word.text}>: {why}"
    )
    return TemplateError(f"{word.text}: {why}", remedy, 1, docker)
