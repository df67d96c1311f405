"""Options of `docker build`: each of its own client's is built, taken, passed on or refused."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from minidocker.errors import UsageError
from minidocker.verbs import build, build_options


def test_what_is_so_in_any_case_is_taken() -> None:
    argv = ["--rm", "--force-rm=true", "--load", "--cache-from", "x", "--pull=true", "--no-cache=false",
            "--provenance=false", "-o", "type=docker", "-t", "app", "."]  # fmt: skip
    assert build_options.sort(argv) == (["--pull", "-t", "app", "."], [])


def test_limits_go_to_each_run() -> None:
    argv = ["-m1g", "-c=5", "--shm-size", "2m", "--ulimit=nofile=5:6", "--add-host", "a:1.2.3.4", ".", "--", "-m"]
    assert build_options.sort(argv) == ([".", "--", "-m"], [
        "--memory", "1g", "--cpu-shares", "5", "--shm-size", "2m", "--ulimit", "nofile=5:6",
        "--add-host", "a:1.2.3.4",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "words"),
    [(["--push", "."], "build --push is refused: minidocker push"),
     (["-o", "out", "."], "build --output out is refused"),
     (["--ssh=default", "."], "--secret"), (["--rm=perhaps", "."], "neither true nor false"),
     (["--memory"], "wants a value")],
)  # fmt: skip
def test_the_rest_is_refused_by_name(argv: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        build_options.sort(argv)


def test_every_option_of_dockers_client_is_known() -> None:
    if not (docker := shutil.which("docker")):
        pytest.skip("blocked: needs docker (apt-get install docker-cli)")
    shown = subprocess.run(
        [docker, "build", "--help"], capture_output=True, text=True, timeout=60,
        env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
    ).stdout  # fmt: skip
    theirs = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", shown, re.MULTILINE))
    ours = {name for action in build.parser()._actions for name in action.option_strings}
    known = {*build_options.TAKEN, *build_options.TAKEN_VALUES, *build_options.LIMITS,
             *build_options.REFUSED}  # fmt: skip
    assert theirs - ours - known == set()
    assert not ours & known
