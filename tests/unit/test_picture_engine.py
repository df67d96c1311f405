"""The pictures of lesson 14: a family at two moments, and the life of a container."""

from __future__ import annotations

import os

from minidocker.pictures.family import Relative, family, relatives
from minidocker.pictures.life import EDGES, PLACES, WAYS, followed, life


def test_relatives_are_read_from_proc() -> None:
    dead = os.fork()
    if not dead:
        os._exit(0)
    os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)  # a zombie
    try:
        me, gone = relatives({os.getpid(): "PID 1", dead: "keeper"})
    finally:
        os.waitpid(dead, 0)
    assert (me.lives, me.parent) == (True, os.getppid())
    assert not gone.lives
    assert not relatives({dead: "keeper"})[0].lives


def test_a_family_is_drawn_as_a_tree_and_says_who_is_gone() -> None:
    before = [
        Relative(10, "standby", True, 1, "init"), Relative(11, "keeper", True, 10, "python"),
        Relative(12, "PID 1", True, 11, "python"), Relative(13, "exec: sh", True, 11, "python"),
    ]  # fmt: skip
    after = [
        before[0], Relative(11, "keeper", False),
        Relative(12, "PID 1", True, 10, "python"), Relative(13, "exec: sh", True, 10, "python"),
    ]  # fmt: skip
    picture = family([("before", before), ("the keeper is killed", after)])
    roles = [row[1] for row in picture.rows if row[0] == "before"]
    assert roles == ["init", "standby", "keeper", "PID 1", "exec: sh"]
    told = {row[1]: row[3] for row in picture.rows if row[0] != "before"}
    assert told["keeper"] == "gone" and told["PID 1"] == "10 python"
    assert "keeper: gone" in picture.svg() and "<desc" in picture.svg()


def test_parents_in_a_ring_end() -> None:
    """/proc was not read in one moment: numbers used twice can make a ring."""
    ring = [Relative(2, "keeper", True, 3, "a"), Relative(3, "standby", True, 2, "b")]
    assert family([("now", ring)]).rows == []


def test_a_life_follows_its_events() -> None:
    state, gone = followed(["create", "start", "kill", "die", "start", "pause", "die"])
    assert state == "exited"
    assert gone["start", "created"] == gone["start", "exited"] == gone["die", "paused"] == 1
    assert followed(["destroy"])[0] == ""  # it was nothing yet
    assert followed(["start", "create"])[0] == "created"


def test_every_way_of_an_event_is_drawn() -> None:
    assert set(EDGES) == {(event, begin) for event, (begins, _) in WAYS.items() for begin in begins}
    assert {end for _, end in WAYS.values()} == set(PLACES)


def test_a_life_says_in_words_what_it_lights() -> None:
    picture = life(["create", "start", "kill", "die", "<script>"])
    assert ("running → exited", "die", "1 times") in picture.rows
    assert ("exited → removed", "destroy", "not yet") in picture.rows
    assert "It is exited now. Also told: kill ×1." in picture.desc
    assert "<script>" not in picture.svg()
