"""`--mine` of the words that one function of a learner's serves."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from minidocker.images.store.store import Store

if TYPE_CHECKING:
    from minidocker.runtime.apart import Own
    from minidocker.verbs.parser import Parser


def add_mine(parser: Parser, text: str) -> None:
    """Add the two options."""
    parser.add_argument("--mine", action="store_true", help=text)
    parser.add_argument("--unsafe", action="store_true",
                        help="with --mine: also what failed when judged last")  # fmt: skip


def own_of(args: argparse.Namespace, word: str, function: str, whose: str) -> Own | None:
    """Return the function that --mine asks for; None, and a word, where there is none.

    Who does not say --mine loads nothing of the course.
    """
    if not args.mine:
        return None
    from minidocker.plan import learner

    sys.stderr.write(learner.warning_outside_the_lab(Store()))
    own = learner.serving(word, whose, args.unsafe).get(function)
    serves = f"your {function} serves" if own else f"there is no {function} of yours: ours serves"
    sys.stderr.write(f"minidocker: {serves}.\n")
    return own
