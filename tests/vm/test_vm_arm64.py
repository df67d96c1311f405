"""The lab machine with the other processor: what runs on x86_64 runs on arm64, too.

Behind `make test-more`: under emulation the first build takes half an hour, and the tests an hour.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest

from minidocker.course.manifest import load
from minidocker.doctor import lab_arch
from minidocker.errors import Blocked
from minidocker.escapes import ladder
from minidocker.vm.check_machine import VirtualMachine, keep_transcript
from minidocker.vm.machine import Machine

pytestmark = [pytest.mark.more, pytest.mark.timeout(7200)]
PYTEST = ["python", "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-q"]


@pytest.fixture(scope="module")
def arm64(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMachine]:
    """The machine, up; removed in the end."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MINIDOCKER_ARCH", "arm64")
        machine = Machine("test", shared=False)
        try:
            machine.up()
        except Blocked as problem:
            pytest.skip(f"blocked: {problem.message} ({problem.remedy})")
        with keep_transcript(tmp_path_factory.mktemp("arm64") / "transcript.txt") as transcript:
            vm = VirtualMachine(machine.ssh(), transcript)
            vm.patience = max(vm.patience, 120)
            yield vm
        machine.down(everything=True)


def passed(said: str, least: int) -> None:
    """Fail unless so many tests passed and none is blocked."""
    found = re.search(r"(\d+) passed", said.splitlines()[-1])
    assert found and int(found[1]) >= least, said[-2000:]
    assert "skipped" not in said.splitlines()[-1], said[-2000:]


def test_the_processor_is_the_other_one(arm64: VirtualMachine) -> None:
    assert arm64.run(["uname", "-m"]).strip() == lab_arch.ARM64.machine
    said = arm64.run(["minidocker", "run", "--rm", "base", "uname", "-m"])
    assert said.strip() == lab_arch.ARM64.machine


def test_every_check_over_the_solutions(arm64: VirtualMachine) -> None:
    said = arm64.run([*PYTEST, "tests/stages", "-k", "solutions"])
    passed(said, sum(len(lesson.checks) for lesson in load().lessons))


@pytest.mark.parametrize(
    "name",
    ["unit/test_gate.py", "cli/test_gate_command.py", "unit/test_seccomp.py", "cli/test_pods.py"],
)
def test_the_parts_in_machine_code(arm64: VirtualMachine, name: str) -> None:
    """The gate, the filter's verdicts, and the one process of a pod."""
    said = arm64.run([*PYTEST, f"tests/{name}"])
    assert " passed" in said.splitlines()[-1] and "failed" not in said.splitlines()[-1]


def test_xray_sees_every_wall(arm64: VirtualMachine) -> None:
    name = arm64.run(["minidocker", "run", "-d", "base", "sleep", "900"]).strip()
    try:
        told = json.loads(arm64.run(["minidocker", "xray", "--json", name]))
    finally:
        arm64.run(["minidocker", "rm", "-f", name])
    assert told["version"] == 1 and told["holes"] == []


def test_no_escape_works(arm64: VirtualMachine, figure: Callable[[str], None]) -> None:
    told = json.loads(arm64.run(["minidocker", "escapes", "--json", "--no-podman"]))
    for one in told["escapes"]:
        figure(f"arm64: {one['name']:20} {one['verdict']:28} {one['by'] or one['why']}")
    assert not [one["name"] for one in told["escapes"] if one["verdict"] == ladder.WORKS]
