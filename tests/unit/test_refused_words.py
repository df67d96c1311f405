"""Options of Docker's words that ours have not are refused by name; what is refused is not there."""

from __future__ import annotations

import importlib
import re

import pytest

from minidocker.errors import UsageError
from minidocker.verbs import refused_words
from minidocker.verbs.words import MODULES

MORE = {
    "exec": ["box", "true"], "logs": ["box"], "pull": ["base"], "push": ["base"], "rm": ["box"],
    "save": ["base"], "search": ["base"], "start": ["box"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("word", "option"), [(word, option) for word, its in refused_words.WHY.items() for option in its]
)
def test_each_is_refused_with_its_reason(word: str, option: str) -> None:
    main = importlib.import_module(f"minidocker.{MODULES[word]}").main
    with pytest.raises(UsageError, match=re.escape(f"{option} is refused: {refused_words.why(word, option)}")):
        main([option, *MORE[word]])


def test_what_docker_has_neither_is_no_option() -> None:
    with pytest.raises(UsageError, match="unrecognized arguments: --nothing"):
        importlib.import_module("minidocker.verbs.rm").main(["--nothing", "box"])
