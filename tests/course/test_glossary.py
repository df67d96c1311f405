"""The glossary: every word of it is used in a notebook, and explained in one short sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| English")
]


@pytest.fixture(scope="module")
def prose() -> str:
    """All that the notebooks say, as one text in small letters, line ends made spaces."""
    books = [json.loads(path.read_text()) for path in (ROOT / "notebooks").glob("*.ipynb")]
    texts = ["".join(cell["source"]) for book in books for cell in book["cells"]]
    return re.sub(r"[\s*`]+", " ", " ".join(texts)).lower()


def test_there_are_enough_words_in_order() -> None:
    terms = [row[0].lower() for row in ROWS]
    assert len(terms) >= 50
    assert terms == sorted(set(terms))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_word_is_used_and_explained(row: tuple[str, ...], prose: str) -> None:
    term, chinese, meaning = row
    assert re.search(rf"\b{re.escape(term.lower())}", prose), f"no notebook says {term}"
    assert re.search("[\u4e00-\u9fff]", chinese) and not re.search("[A-Za-z]", chinese)
    assert meaning.endswith(".") and len(meaning.split()) <= 20
