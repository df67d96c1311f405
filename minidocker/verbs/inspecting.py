"""What `inspect` prints, of whatever kind: a list of objects, or a template for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from minidocker.errors import NotFound, UsageError
from minidocker.formats.rows import say
from minidocker.formats.template import Template
from minidocker.formats.values import as_json
from minidocker.verbs.parser import Parser

Look = Callable[[str], dict[str, Any]]  # a name → what it is; NotFound where there is none


def add_format(parser: Parser) -> None:
    """Add --format, as every `inspect` has it."""
    parser.add_argument("-f", "--format", default="", metavar="FORMAT",
                        help="json, or a template: '{{.Name}}'")  # fmt: skip


def tell(names: Sequence[str], look: Look, format: str) -> int:
    """Print what each name is; the exit status is 1 where one is missing, and says which.

    As in Docker, what is there is printed all the same.
    """
    template = Template(format) if format not in ("", "json") else None
    found, missing = [], []
    for name in names:
        try:
            found.append(look(name))
        except (NotFound, UsageError) as problem:
            missing.append(problem)
    if template:
        say("".join(f"{template.fill(each)}\n" for each in found) or "\n")
    else:
        say(as_json(found, None if format == "json" else 4) + "\n")
    for lack in missing:
        docker = f"   (Docker says: {lack.docker})" if lack.docker else ""
        print(f"minidocker: {lack.message}\n  try: {lack.remedy}{docker}", file=sys.stderr)
    return 1 if missing else 0
