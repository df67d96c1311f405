"""Layers that two images share, and a cache that hits and misses: pictures and their tables."""

from __future__ import annotations

import pytest
from drawn import drawn

from minidocker.pictures import build_cache as cache
from minidocker.pictures.shared_layers import Layer, common, shared_layers

BASE, LIB, ONE, TWO = (Layer(word * 8, f"RUN {word}", size) for word, size in (
    ("a1b2c3d4", 1000), ("0f0f0f0f", 20), ("11111111", 3), ("22222222", 4)))  # fmt: skip
FIRST = """#1 [1/3] FROM base
#2 [2/3] COPY a /a
#2 your cache_key named this step
#2 DONE 0.3s
#3 [3/3] RUN echo 'DONE 1.0s' > /x
#3 DONE 0.0s by the command itself
#3 DONE 1.9s
app:latest: built
"""
AGAIN = "#1 [1/3] FROM base\n#2 [2/3] COPY a /a\n#2 CACHED\n#3 [3/3] RUN echo 'DONE 1.0s' > /x\n#3 CACHED\n"


def test_what_two_images_share_is_drawn_once() -> None:
    picture = shared_layers({"one": [BASE, LIB, ONE], "two": [BASE, LIB, TWO]})
    assert [row[3] for row in picture.rows] == ["one, two", "one, two", "one", "two"]
    assert picture.rows[0][:2] == ("a1b2c3d4a1b2", "1000 B")
    assert picture.desc.endswith("2 of these lie here already: 1027 bytes in the place of 2047.")
    assert drawn(picture) and picture.svg().count("<rect") == 1 + 4, "paper, a box for each layer"
    assert picture.svg().count("shared") == 2


def test_only_what_lies_at_the_bottom_of_all_is_one_box() -> None:
    assert common([[BASE, ONE], [BASE, TWO]]) == 1
    assert common([[LIB, BASE], [BASE, LIB]]) == 0
    assert common([[BASE], [BASE, ONE], [BASE, ONE]]) == 1
    assert common([[BASE, LIB]]) == 0
    picture = shared_layers({"one": [LIB, BASE], "two": [BASE, LIB]})
    assert picture.svg().count("<rect") == 1 + 4 and picture.svg().count("shared") == 4
    assert len(picture.rows) == 2
    with pytest.raises(LookupError):
        shared_layers({})


def test_a_cache_is_read_from_the_builds_own_words() -> None:
    steps = cache.read(FIRST)
    assert [(step.state, step.took) for step in steps] == [
        (cache.BASE, ""), (cache.DONE, "0.3s"), (cache.DONE, "1.9s"),
    ]  # fmt: skip
    assert steps[2].words == "RUN echo 'DONE 1.0s' > /x"
    assert [step.state for step in cache.read(AGAIN)] == [cache.BASE, cache.HIT, cache.HIT]


def test_builds_stand_side_by_side() -> None:
    changed = AGAIN.replace("#2 CACHED", "#2 DONE 0.1s").replace("echo", "printf")
    picture = cache.build_cache({"first": FIRST, "again": AGAIN, "changed": changed})
    assert "hit: not done" in drawn(picture)
    assert picture.columns == ("step", "first", "again", "changed")
    assert picture.rows[1] == ("COPY a /a", "done 0.3s", "hit", "done 0.1s")
    assert picture.rows[2][1:] == ("done 1.9s", "hit", cache.ABSENT)
    assert picture.rows[3][1:] == (cache.ABSENT, cache.ABSENT, "hit")
    assert "again: 2 found, nothing was done" in picture.desc
    with pytest.raises(LookupError):
        cache.build_cache({"nothing": "Step 1/2 : FROM base\n"})
