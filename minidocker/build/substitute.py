"""Variables in a Dockerfile: `$x`, `${x:-y}` and their like, quotes, escapes; as Docker reads them.

    ${x:-w}  w where x is empty or not set      ${x-w}  w where x is not set
    ${x:+w}  w where x is set and not empty     ${x+w}  w where x is set
    ${x:?w}  an error that says w               ${x#p} ${x##p} ${x%p} ${x%%p}  without a part
    ${x/p/w} ${x//p/w}                          with a part replaced
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from minidocker.build.wrong import BuildError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SPECIAL = "@*#?-$!0"
DEEPEST = 40  # variables in one another
LARGEST = 1 << 20  # characters that the variables of one line may become


class Words:
    """Texts of one line with variables: `word(text)` replaces them and takes quotes away."""

    def __init__(self, values: Mapping[str, str], escape: str = "\\", line: int = 0) -> None:
        self.values = values
        self.escape = escape
        self.line = line
        self.used: set[str] = set()
        self.grown = 0

    def word(self, text: str) -> str:
        """Return the text with variables replaced, quotes and escapes taken away."""
        return "".join(_Reader(self, text).all())

    def words(self, text: str) -> list[str]:
        """The same, and split at blanks that came out without quotes."""
        marked = "".join(_Reader(self, text, blank="\0").all())
        return [word for word in marked.split("\0") if word]

    def text(self, text: str) -> str:
        """Return a heredoc's text with variables replaced: quotes stay, and are nothing special."""
        return "".join(_Reader(self, text, quotes=False).all())

    def wrong(self, text: str, why: str) -> BuildError:
        """Return the error for a text that cannot be read."""
        return BuildError(self.line, f"{text!r} {why}", "write $ as \\$ where it is no variable")


class _Reader:
    """Reads one text from front to back."""

    def __init__(
        self, words: Words, text: str, blank: str = "", quotes: bool = True, depth: int = 0
    ) -> None:
        self.w, self.text, self.at = words, text, 0
        self.blank, self.quotes, self.depth = blank, quotes, depth
        if depth > DEEPEST:
            raise words.wrong(text[:40], "has too many variables in one another")

    def more(self) -> bool:
        return self.at < len(self.text)

    def take(self) -> str:
        self.at += 1
        return self.text[self.at - 1]

    def all(self, until: str = "") -> list[str]:
        """Return the pieces up to one of the characters `until`, which is not taken."""
        out: list[str] = []
        while self.more() and (not until or self.text[self.at] not in until):
            char = self.take()
            if char == "'" and self.quotes:
                out.append(self._single())
            elif char == '"' and self.quotes:
                out.append(self._double())
            elif char == "$":
                value = self._dollar()
                out.append(re.sub(r"\s", self.blank, value) if self.blank else value)
            elif char == self.w.escape:
                out.append(self._escaped())
            elif self.blank and char.isspace():
                out.append(self.blank)
            else:
                out.append(char)
        return out

    def _escaped(self) -> str:
        if not self.more():
            return ""
        char = self.take()
        return char if self.quotes or char in ("$", self.w.escape) else self.w.escape + char

    def _single(self) -> str:
        end = self.text.find("'", self.at)
        if end < 0:
            raise self.w.wrong(self.text, "has a ' without a second one")
        found, self.at = self.text[self.at : end], end + 1
        return found

    def _double(self) -> str:
        out = ""
        while self.more():
            char = self.take()
            if char == '"':
                return out
            if char == "$":
                out += self._dollar()
            elif char == self.w.escape and self.more():
                following = self.take()
                plain = following in ('"', "$", self.w.escape)
                out += following if plain else char + following
            else:
                out += char
        raise self.w.wrong(self.text, 'has a " without a second one')

    def _dollar(self) -> str:
        found = self._variable()
        self.w.grown += len(found)
        if self.w.grown > LARGEST:  # "ENV A=$A$A$A$A", twenty times, would be 4^20 characters
            raise self.w.wrong(self.text[:40], f"grows to more than {LARGEST} characters")
        return found

    def _variable(self) -> str:
        if not self.more():
            return "$"
        if self.text[self.at] == "{":
            self.at += 1
            return self._braces()
        name = self._name()
        return self._value(name) or "" if name else "$"

    def _name(self) -> str:
        match = _NAME.match(self.text, self.at)
        name = match[0] if match else ""
        if not name and self.more() and (self.text[self.at] in SPECIAL or self._digit()):
            name = self.text[self.at]
        self.at += len(name)
        return name

    def _digit(self) -> bool:
        return self.text[self.at].isascii() and self.text[self.at].isdigit()

    def _value(self, name: str) -> str | None:
        self.w.used.add(name)
        return self.w.values.get(name)

    def _braces(self) -> str:
        name = self._name()
        if not name or not self.more():
            raise self.w.wrong(self.text, "has a ${ that is no variable")
        value, sign = self._value(name), self.take()
        if sign == "}":
            return value or ""
        if sign == ":":
            sign = self.take() if self.more() else ""
            if sign not in ("-", "+", "?"):
                raise self.w.wrong(self.text, f"has a ':{sign}' that nobody knows")
            value = value or None
        if sign in ("-", "+", "?"):
            return self._default(name, value, sign, self._rest())
        if sign in ("#", "%"):
            twice = self.more() and self.text[self.at] == sign
            self.at += twice
            return _trimmed(value or "", self._rest(raw=True), sign, twice)
        if sign == "/":
            return self._replaced(value or "")
        raise self.w.wrong(self.text, f"has a {sign!r} in ${{…}} that nobody knows")

    def _default(self, name: str, value: str | None, sign: str, word: str) -> str:
        if sign == "-":
            return word if value is None else value
        if sign == "+":
            return "" if value is None else word
        if value is None:
            why = word or "is not set"
            raise BuildError(self.w.line, f"{name}: {why}", f"--build-arg {name}=…")
        return value

    def _rest(self, raw: bool = False, until: str = "}") -> str:
        """Return what stands up to the closing brace, its variables replaced."""
        inner = _Reader(self.w, self.text, "", self.quotes and not raw, self.depth + 1)
        inner.at = self.at
        found = "".join(inner.all(until))
        if not inner.more():
            raise self.w.wrong(self.text, "has a ${ without a }")
        self.at = inner.at + 1
        return found

    def _replaced(self, value: str) -> str:
        every = self.more() and self.text[self.at] == "/"
        self.at += every
        pattern = self._rest(raw=True, until="/}")
        word = self._rest() if self.text[self.at - 1] == "/" else ""
        put: Callable[[re.Match[str]], str] = lambda _: word  # noqa: E731  (no \1 in it counts)
        return re.sub(glob(pattern, greedy=True), put, value, count=0 if every else 1)


def _trimmed(value: str, pattern: str, sign: str, longest: bool) -> str:
    expression = glob(pattern, greedy=longest)
    if sign == "#":
        match = re.match(expression, value, re.DOTALL)
        return value[match.end() :] if match else value
    starts = range(len(value) + 1) if longest else range(len(value), -1, -1)
    for start in starts:
        if re.fullmatch(expression, value[start:], re.DOTALL):
            return value[:start]
    return value


def glob(pattern: str, greedy: bool) -> str:
    """Turn a shell's pattern of * and ? into a regular expression."""
    more = ".*" if greedy else ".*?"
    return "".join({"*": more, "?": "."}.get(char, re.escape(char)) for char in pattern)
