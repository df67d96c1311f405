"""The bench's arithmetic and words. No test looks at how fast anything is."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from minidocker import bench
from minidocker.bench import alike, detached, report, sections, travel
from minidocker.bench.clock import Clock, Program, Sample, summary
from minidocker.bench.rivals import Rivals, missing, version
from minidocker.errors import Blocked, MinidockerError, UsageError
from minidocker.proc.lean import children
from minidocker.stages.masks import MASKED


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    clock = Clock(str(tmp_path / "stderr"))
    clock.others = set(children())  # those that other tests may have left
    return clock


def program(name: str, *argv: str) -> Program:
    return Program(name, lambda _: argv)


def test_medians_are_in_milliseconds() -> None:
    samples = [Sample(wall / 1000, 0.002, 0) for wall in (1, 2, 3, 4, 100)]
    assert summary(samples) == {"wall_ms": 3.0, "p90_ms": 4.0, "cpu_ms": 2.0}


def test_a_run_counts_the_cpu_time_of_what_it_started(clock: Clock) -> None:
    burn = f"{sys.executable} -c 'for _ in range(10**6): pass'; exit 3"
    sample = clock.measure(["sh", "-c", burn], {})
    assert sample.status == 3
    assert sample.cpu > 0
    assert sample.wall > 0


def test_the_last_words_of_a_failing_run_are_kept(clock: Clock) -> None:
    sample = clock.measure(["sh", "-c", "echo first >&2; echo the reason >&2; exit 1"], {})
    assert sample.error == "the reason"


def test_programs_take_turns_and_the_first_round_does_not_count(clock: Clock) -> None:
    order: list[str] = []
    found = clock.interleaved([program("a", "true"), program("b", "true")], 3, order.append)
    assert order == ["a", "b"] * 4
    assert [len(found["a"]), len(found["b"])] == [3, 3]


def test_a_program_that_fails_is_left_out_with_its_reason(clock: Clock) -> None:
    bad = program("bad", "sh", "-c", "echo no such thing >&2; exit 1")
    order: list[str] = []
    clock.interleaved([program("good", "true"), bad], 3, order.append)
    assert bad.problem == "no such thing"
    assert order.count("bad") == 1


def test_rows_compare_with_the_first() -> None:
    programs = [program("minidocker"), program("runc"), missing("crun")]
    samples = {"minidocker": [Sample(0.02, 0, 0)], "runc": [Sample(0.03, 0, 0)], "crun": []}
    first, second, third = sections.rows(programs, samples)
    assert (first["ratio"], second["ratio"]) == (1.0, 1.5)
    assert third["problem"] == "not installed: apt-get install crun"


def test_no_table_is_made_when_our_own_run_fails() -> None:
    ours = program("minidocker")
    ours.problem = "no such file"
    with pytest.raises(MinidockerError, match="no such file"):
        sections.rows([ours], {"minidocker": []})


FOUND = {
    "start": {
        "rows": [
            {"name": "minidocker", "wall_ms": 20.0, "p90_ms": 21.0, "cpu_ms": 19.0, "ratio": 1.0},
            {"name": "runc", "wall_ms": 16.0, "p90_ms": 17.0, "cpu_ms": 15.0, "ratio": 0.8},
            {"name": "podman", "problem": "not installed: apt-get install podman"},
        ]
    },
    "instructions": {"bare": 20_000_000, "start": 35_000_000, "ratio": 1.75},
    "cgroups": {"with_ms": 30.0, "without_ms": 25.0, "cgroups_ms": 5.0},
    "network": {
        "rows": [
            {"name": "none", "wall_ms": 20.0, "p90_ms": 21.0, "cpu_ms": 19.0, "ratio": 1.0},
            {"name": "bridge", "wall_ms": 50.0, "p90_ms": 51.0, "cpu_ms": 40.0, "ratio": 2.5},
        ]
    },
    "sequence": {"count": 50, "rows": [{"name": "minidocker", "seconds": 1.0, "ratio": 1.0}]},
    "parallel": {"count": 20, "rows": [{"name": "minidocker", "seconds": 0.5, "ratio": 1.0}]},
    "oci": {
        "verbs": [{"name": "minidocker", "wall_ms": 90.0, "p90_ms": 91.0, "least_ms": 80.0, "cpu_ms": 60.0}],
        "podman": [{"name": "crun", "problem": "not installed: apt-get install crun"}],
    },
    "engine": {
        "many": 20, "mb": 20, "run_ms_ratio": 0.1, "lost": 0,
        "rows": [
            {"name": "minidocker", "run_ms": 60.0, "exec_ms": 40.0, "ps_ms": 70.0, "many_s": 1.0,
             "mib": 10.0, "log_s": 0.5, "lost": 0},
            {"name": "podman", "problem": "not installed: apt-get install podman"},
        ],
    },
    "memory": {"rows": [{"name": "runc", "kib": 2048, "processes": {"runc": 2048}}]},
    "stages": {"rows": [{"name": "interpreter", "ms": 9.0}, {"name": "uts inside", "ms": 0.01}]},
    "import": {"mb": 350, "files": 10, "import": 1, "tar": 1, "sha256sum": 1, "ratio": 0.5},
    "images": {
        "mb": 200,
        "rows": [
            {"name": "minidocker", "pull": 5.0, "push": 1.0, "mib": 40.0, "ratio": 1.0},
            {"name": "podman", "problem": "not installed: apt-get install podman"},
        ],
        "builds": [{"name": "minidocker", "build": 1.5, "cached": 0.2}],
        "cached": 0.2,
    },
    "grade": {"seconds": 7.0},
    "class": {
        "submissions": 8, "cores": 2, "jobs_1": 2.0, "jobs_2": 1.0, "speedup": 2.0, "many": 200,
        "many_seconds": 1.0, "coordinator_mb": 60, "pages_seconds": 1.0, "page_kb": 50,
    },
}


def test_each_section_has_words_and_says_why_it_was_not_measured() -> None:
    assert set(report.TELLERS) == set(sections.SECTIONS) == set(FOUND)
    for name, result in FOUND.items():
        assert report.told(name, result).count("\n") >= 2
        assert "not measured: the reason" in report.told(name, {"problem": "the reason"})


def test_short_steps_are_told_together() -> None:
    text = report.told("stages", FOUND["stages"])
    assert "uts" not in text
    assert "9.01" in text


def test_promises_are_judged_by_what_was_measured() -> None:
    verdicts = {v["promise"]: (v["measured"], v["met"]) for v in report.targets(FOUND)}
    assert verdicts == {
        "a run takes no longer than runc's": (1.25, False),
        "image import takes at most twice tar -x plus sha256sum": (0.5, True),
        "run -d takes at most a fifth of Podman's time": (0.1, True),
        "a log loses no byte": (0.0, True),
        "a build out of the cache takes under 0.3 s": (0.2, True),
        "the verdict on lesson 01 takes under 5 seconds": (7.0, False),
        "a start is at most 1.75 bare Pythons, in instructions": (1.75, True),
    }  # Podman was not measured: nothing is said about it
    assert "NOT MET" in report.tell_targets(report.targets(FOUND))


def test_a_machine_that_is_too_busy_gives_no_verdict() -> None:
    quiet, busy = ({"wall_ms": 20.0, "p90_ms": p90} for p90 in (21.0, 40.0))
    for rows, noisy in (([quiet, quiet], False), ([busy, quiet], True), ([quiet, busy], True)):
        named = [{"name": name, **row} for name, row in zip(("minidocker", "runc"), rows, strict=True)]
        (verdict,) = report.targets({"start": {"rows": named}})
        assert verdict["noisy"] is noisy
        text = report.tell_targets([verdict])
        assert ("noisy" in text) is noisy and ("  met" in text) is not noisy


def test_the_worst_pull_counts() -> None:
    rows = [
        {"name": "minidocker, 10 layers", "pull": 2.0, "push": 1.0, "mib": 43.0},
        {"name": "podman, 10 layers", "pull": 4.0, "push": 1.0, "mib": 80.0},
        {"name": "minidocker, one layer", "pull": 3.0, "push": 1.0, "mib": 30.0},
        {"name": "podman, one layer", "pull": 2.0, "push": 4.0, "mib": 60.0},
        {"name": "skopeo + umoci, one layer", "problem": "not here"},
    ]
    assert travel.worst(rows) == {"peak": 43.0, "pull_ratio": 1.5, "push_ratio": 1.0}
    assert travel.worst(rows[1:2]) == {}  # ours failed: nothing is said
    assert travel.worst(rows[:1]) == {"peak": 43.0}


def test_rows_of_other_units_are_compared() -> None:
    found = {
        "network": {"rows": [{"name": "--network none", "ratio": 1.0}, {"name": report.BRIDGES, "ratio": 1.7}]},
        "parallel": {"rows": [{"name": "minidocker", "seconds": 3.0}, {"name": "runc", "seconds": 2.0}]},
        "memory": {"rows": [{"name": "minidocker", "kib": 9 * 1024}]},
    }
    verdicts = [(v["measured"], v["met"]) for v in report.targets(found)]
    assert verdicts == [(1.7, True), (1.5, False), (9.0, True)]


def test_runc_is_asked_for_what_we_do(tmp_path: Path) -> None:
    empty = {"root": {}, "process": {}, "linux": {"maskedPaths": []}}
    (tmp_path / "config.json").write_text(json.dumps(empty))
    alike.make_alike(str(tmp_path))
    config = json.loads((tmp_path / "config.json").read_text())
    assert len(config["linux"]["namespaces"]) == 6
    assert set(MASKED) == set(config["linux"]["maskedPaths"])
    rules = config["linux"]["seccomp"]
    allowed = {name for one in rules["syscalls"] if one["action"] == "SCMP_ACT_ALLOW" for name in one["names"]}
    assert rules["defaultAction"] == "SCMP_ACT_ERRNO" and rules["architectures"]
    assert "read" in allowed and "mount" not in allowed  # which CAP_SYS_ADMIN would allow


def test_an_oci_bundle_gets_our_root_and_command(tmp_path: Path) -> None:
    fake = tmp_path / "runtime"
    spec = '{"root": {"path": "rootfs"}, "process": {"terminal": true, "args": ["sh"]}}'
    fake.write_text(f"#!/bin/sh\necho '{spec}' > config.json\n")
    fake.chmod(0o755)
    bundle = Rivals(str(tmp_path), "/some/root").bundle(str(fake), "bundle", ["/bin/true"])
    config = json.loads((Path(bundle) / "config.json").read_text())
    assert config["root"]["path"] == "/some/root"
    assert config["process"] == {"terminal": False, "args": ["/bin/true"]}


def test_a_version_is_the_word_with_a_number() -> None:
    assert version(["echo", "runc version 1.1.5+ds1\ncommit: x"]) == "1.1.5+ds1"
    assert version(["echo", "no numbers"]) == ""


@pytest.mark.parametrize(
    ("argv", "word"), [(["--only", "nothing"], "nothing"), (["--runs", "0"], "--runs")]
)
def test_bad_input_is_one_sentence_with_a_remedy(argv: list[str], word: str) -> None:
    with pytest.raises(UsageError, match=word) as problem:
        bench.parse(argv)
    assert problem.value.remedy


def test_without_root_it_says_so_and_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Blocked, match="root") as problem:
        bench.main([])
    assert "sudo" in problem.value.remedy


def test_mount_points_are_found_below_a_folder_only() -> None:
    assert "/proc" in bench.mounts_below("")
    assert bench.mounts_below("/no/such/folder") == []


def test_the_engines_are_compared_where_both_were_measured() -> None:
    ours = {"name": "minidocker", "lost": 0, **dict.fromkeys(detached.COLUMNS, 10.0)}
    theirs = {"name": "podman", "lost": 5, **dict.fromkeys(detached.COLUMNS, 40.0), "mib": 0.0}
    found = detached.ratios([ours, theirs])
    assert found["run_ms_ratio"] == 0.25 and found["lost"] == 0 and "mib_ratio" not in found
    assert detached.ratios([ours, {"name": "podman", "problem": "it fails"}]) == {"lost": 0}
    assert detached.ratios([{"name": "minidocker", "problem": "it fails"}, theirs]) == {}
