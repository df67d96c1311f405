"""docs/docker-commands.md: each word of Docker's on it is a word of ours, and its templates work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from minidocker.formats.functions import FUNCTIONS
from minidocker.formats.template import Template
from minidocker.formats.tokens import TemplateError
from minidocker.formats.values import Map
from minidocker.verbs.words import MODULES

PAGE = (Path(__file__).resolve().parents[2] / "docs/docker-commands.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| (\w+) \| ?(.*) \|$", PAGE, re.MULTILINE)
THING = {
    "Name": "box",
    "RepoTags": ["box:1"],
    "Config": {"Labels": Map({"com.example.shop": "open"})},
    "State": {"Pid": 7, "Running": True, "Health": None},
    "NetworkSettings": {"Ports": Map({"80/tcp": []})},
}


def test_each_row_is_a_word_of_ours() -> None:
    words = [word for word, _, _ in ROWS]
    assert len(words) > 20 and words == sorted(words)
    assert not set(words) - set(MODULES)
    assert {how for _, how, _ in ROWS} == {"same", "differs"}
    assert not [word for word, how, why in ROWS if how == "differs" and not why.strip()]


@pytest.mark.parametrize("template", re.findall(r"`(\{\{[^` ][^`]*\}\})`", PAGE))
def test_each_template_on_the_page_works(template: str) -> None:
    Template(template).fill(THING)


def test_each_function_on_the_page_is_there_and_what_is_refused_is_not() -> None:
    section = PAGE.partition("## `--format`")[2].partition("## `cp`")[0]
    told = set(re.search(r"`(join [a-z ]+)`", section)[1].split())
    told |= {"eq", "ne", "lt", "le", "gt", "ge", "not", "index"}
    assert told == set(FUNCTIONS)
    refused = re.findall(
        r"`(\w+)`", section.partition("no space before")[2].partition("are refused")[0]
    )
    assert len(refused) == 9
    for word in refused:
        with pytest.raises(TemplateError):
            Template(f"{{{{{word} .Name}}}}{{{{end}}}}")
