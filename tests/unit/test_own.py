"""Your container so far: what `--mine` would take, in the order in which a run calls it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from minidocker.course import manifest
from minidocker.images.store.store import Store
from minidocker.kernel.trace import Pretend, Traced
from minidocker.pictures.own_container import own_container
from minidocker.plan import from_options, learner, options, own
from minidocker.runtime.explain import Teller
from minidocker.runtime.rehearsal import invented, rehearse
from minidocker.stages import STAGES, Stage

REPOSITORY = Path(__file__).resolve().parents[2]
RUNS = (
    "--network bridge -p 8080:80 -v /tmp:/data --init --boottime-offset 9 -m 64m base true",
    "--uidmap 0:100000:65536 --read-only --cap-drop ALL base true",
)


@pytest.fixture
def exercises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's directory, with the exercises as a new learner has them."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("MINIDOCKER_EXERCISES", str(tmp_path / "mine"))
    shutil.copytree(REPOSITORY / "exercises", tmp_path / "mine")
    return tmp_path / "mine"


def test_every_part_has_its_moment() -> None:
    assert sorted((stage.name, name) for stage, name in own.in_order()) == sorted(
        (stage.name, name) for stage in STAGES for name in stage.parts
    )


def noting(stage: type[Stage], called: list[tuple[str, str]]) -> type[Stage]:
    """The stage with parts that note when a run calls them."""

    def noted(name: str) -> staticmethod:
        real = getattr(stage, name)

        def part(*args: Any) -> Any:
            called.append((stage.name, name))
            return real(*args)

        return staticmethod(part)

    return type(stage.__name__, (stage,), {name: noted(name) for name in stage.parts})


@pytest.mark.parametrize("line", RUNS)
def test_the_order_is_that_of_a_run(line: str) -> None:
    """A rehearsal of a whole run calls the parts in the order that we give."""
    called: list[tuple[str, str]] = []
    found, words = options.parse(line.split())
    store = Store()
    spec, stages = from_options.plan(found, words, store, touch=False)
    pretended = Pretend(invented(spec.process.user))
    teller = Teller(lambda step: None)
    ready = [noting(stage, called)() for stage in stages]
    rehearse(spec, ready, Traced(pretended, teller), teller, store.root)
    order = [(stage.name, name) for stage, name in own.in_order()]
    firsts = list(dict.fromkeys(called))
    assert firsts == sorted(firsts, key=order.index)
    assert len(firsts) > 8


def test_a_new_learner_has_no_wall_yet(exercises: Path) -> None:
    parts, beside = own.so_far()
    assert parts and not any(part.yours for part in parts)
    wanted = {
        (function.stage, function.name)
        for lesson in manifest.load(REPOSITORY).lessons
        for function in lesson.functions
        if function.stage
    }
    assert {(part.stage, part.name) for part in parts} == wanted
    assert own_container(parts).desc == f"0 of {len(parts)} functions are yours."
    assert {part.name for part in beside} >= {"pack", "apply_layer", "blame", "cache_key"}
    assert not any(part.yours for part in beside)


def test_one_function_lights_a_part_of_its_wall(exercises: Path) -> None:
    shutil.copy(REPOSITORY / "solutions/02_mounts.py", exercises)
    parts, _ = own.so_far()
    assert {part.name for part in parts if part.yours} == {"make_private", "mount_proc", "bind"}
    picture = own_container(parts)
    assert "walls that are yours: propagation" in picture.desc
    assert "partly yours: mounts" in picture.desc
    assert ("make_private", "propagation", "02", "yours") in picture.rows
    assert "own_container" not in picture.svg() and "your shell" in picture.svg()


def test_what_makes_images_is_lit_beside_it(exercises: Path) -> None:
    shutil.copy(REPOSITORY / "solutions/12_layers.py", exercises)
    parts, beside = own.so_far()
    picture = own_container(parts, beside)
    assert ("pack", "(commit, build)", "12", "yours") in picture.rows
    count = len([part for part in beside if part.lesson == "12"])
    assert f"Beside a run: {count} of {len(beside)} functions are yours." in picture.desc
    assert "cache_key()" in picture.svg() and not any(part.yours for part in parts)


def test_with_all_solutions_every_wall_is_lit(exercises: Path) -> None:
    for path in (REPOSITORY / "solutions").glob("*.py"):
        shutil.copy(path, exercises)
    parts, beside = own.so_far()
    assert all(part.yours for part in [*parts, *beside])
    names = [part.name for part in parts]
    assert "set_hostname" not in names, "set_names serves in its place"
    taken = {name for _, names, _, _ in learner.mine() for name in names}
    assert set(names) == taken - {"set_hostname"}


def test_a_container_without_a_cgroup_has_a_directory_to_join(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from minidocker.engine.own_exec import OwnEntrant

    entrant = OwnEntrant.__new__(OwnEntrant)
    entrant.run = SimpleNamespace(directory=str(tmp_path))  # type: ignore[assignment]
    for _ in range(2):  # by whatever call of Python's a learner writes
        Path(entrant.no_group(), "cgroup.procs").write_bytes(b"0")
    assert [one.name for one in tmp_path.iterdir()] == ["no-group"]
