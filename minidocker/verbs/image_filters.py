"""`images --filter`: which rows are shown, by name, label, age, or since nothing names them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minidocker.build.ignore import expression
from minidocker.images.store import catalogue
from minidocker.images.store.store import Store
from minidocker.verbs.narrow import Row, by_label, by_switch, narrow, older_than

NAMES = "before, dangling, label, reference, since or until"


def chosen(
    store: Store, rows: Sequence[dict[str, Any]], made: Mapping[str, float], texts: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the rows that fit; `made` has the seconds of each image's time, by its whole id.

    NotFound where `before` or `since` name an image that is not here.
    """
    if not texts:
        return list(rows)

    def time_of(name: str) -> float:
        return made.get(store.resolve(name).id, 0.0)

    def before(name: str) -> Callable[[Row], bool]:
        limit = time_of(name)
        return lambda fact: bool(fact["made"] < limit)

    def since(name: str) -> Callable[[Row], bool]:
        limit = time_of(name)
        return lambda fact: bool(fact["made"] > limit)

    facts = []
    for row in rows:
        settings = catalogue.config_of(store, row["id"].removeprefix("sha256:")).get("config") or {}
        facts.append({
            "row": row, "made": made.get(row["id"], 0.0), "Labels": settings.get("Labels") or {},
            "dangling": row["Repository"] == row["Tag"] == "<none>",
        })  # fmt: skip
    tests = {
        "before": before, "since": since, "label": by_label, "dangling": by_switch("dangling"),
        "reference": reference, "until": older_than("made"),
    }  # fmt: skip
    return [fact["row"] for fact in narrow(facts, texts, tests)]


def reference(pattern: str) -> Callable[[Row], bool]:
    """Take rows whose name fits, with its tag or without: `*` stops at "/", as Go's path.Match."""
    try:
        fits = re.compile(expression(pattern.replace("**", "*")), re.DOTALL).fullmatch
    except re.error:
        raise ValueError(pattern) from None

    def test(fact: Row) -> bool:
        name, tag = fact["row"]["Repository"], fact["row"]["Tag"]
        return bool(fits(name) or fits(f"{name}:{tag}"))

    return test
