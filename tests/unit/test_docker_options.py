"""docs/docker-options.md: every option of `docker run`, held against --help and the real parser."""

from __future__ import annotations

from pathlib import Path

import pytest

from minidocker.errors import UsageError
from minidocker.plan import options
from minidocker.plan.help import help_parser
from minidocker.plan.refused import REFUSED

PAGE = Path(__file__).resolve().parents[2] / "docs/docker-options.md"
# As Docker's own page has them: docs/reference/commandline/container_run.md of docker/cli.
DOCKER = [
    "--add-host", "--annotation", "-a,--attach", "--blkio-weight", "--blkio-weight-device",
    "--cap-add", "--cap-drop", "--cgroup-parent", "--cgroupns", "--cidfile", "--cpu-count",
    "--cpu-percent", "--cpu-period", "--cpu-quota", "--cpu-rt-period", "--cpu-rt-runtime",
    "-c,--cpu-shares", "--cpus", "--cpuset-cpus", "--cpuset-mems", "-d,--detach",
    "--detach-keys", "--device", "--device-cgroup-rule", "--device-read-bps",
    "--device-read-iops", "--device-write-bps", "--device-write-iops",
    "--disable-content-trust", "--dns", "--dns-option", "--dns-search", "--domainname",
    "--entrypoint", "-e,--env", "--env-file", "--expose", "--gpus", "--group-add",
    "--health-cmd", "--health-interval", "--health-retries", "--health-start-interval",
    "--health-start-period", "--health-timeout", "--help", "-h,--hostname", "--init",
    "-i,--interactive", "--io-maxbandwidth", "--io-maxiops", "--ip", "--ip6", "--ipc",
    "--isolation", "--kernel-memory", "-l,--label", "--label-file", "--link", "--link-local-ip",
    "--log-driver", "--log-opt", "--mac-address", "-m,--memory", "--memory-reservation",
    "--memory-swap", "--memory-swappiness", "--mount", "--name", "--network", "--network-alias",
    "--no-healthcheck", "--oom-kill-disable", "--oom-score-adj", "--pid", "--pids-limit",
    "--platform", "--privileged", "-p,--publish", "-P,--publish-all", "--pull", "-q,--quiet",
    "--read-only", "--restart", "--rm", "--runtime", "--security-opt", "--shm-size",
    "--sig-proxy", "--stop-signal", "--stop-timeout", "--storage-opt", "--sysctl", "--tmpfs",
    "-t,--tty", "--ulimit", "--use-api-socket", "-u,--user", "--userns", "--uts", "-v,--volume", "--volume-driver",
    "--volumes-from", "-w,--workdir",
]  # fmt: skip


def rows() -> list[tuple[list[str], str, str]]:
    """Each line of the table: (names, what it is here, how or why)."""
    found = []
    for line in PAGE.read_text().splitlines():
        if line.startswith("| `-"):
            names, state, text = (cell.strip() for cell in line.strip("|").split("|"))
            found.append(([name.strip("` ") for name in names.split(",")], state, text))
    return found


ROWS = rows()


def test_the_page_has_each_option_of_dockers_once_in_its_order() -> None:
    assert [",".join(names) for names, _, _ in ROWS] == DOCKER


def test_help_has_what_the_page_says() -> None:
    words = help_parser().format_help().replace(",", " ").split()
    for names, state, text in ROWS:
        there = all(name in words for name in names)
        if state in ("same", "differs"):
            assert there, f"{names} is not in --help"
            assert text or state == "same", f"{names} differs: how?"
        else:
            assert state == "refused", names
            assert not any(name in words for name in names), f"{names} is in --help"


def test_all_that_is_refused_is_on_the_page_with_its_reason() -> None:
    refused = {names[-1]: text for names, state, text in ROWS if state == "refused"}
    assert set(refused) == set(REFUSED)
    for name, (_, reason, _) in REFUSED.items():
        assert reason in refused[name]
        assert name not in {name for option in options.RUN for name in option.names}


NAMES = sorted(REFUSED)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_refused_says_so_by_its_name_with_the_reason(name: str) -> None:
    takes_value, reason, idle = REFUSED[name]
    forms = [[name, "7"], [f"{name}=7"]] if takes_value else [[name]] if "true" not in idle else []
    if not takes_value and name.startswith("--"):
        forms.append([f"{name}={'false' if 'true' in idle else 'true'}"])
    for words in forms:
        with pytest.raises(UsageError, match="is refused: ") as problem:
            options.parse([*words, "base", "true"])
        assert problem.value.message.startswith(name)
        assert reason in problem.value.message
        assert problem.value.remedy and problem.value.status == 125


@pytest.mark.parametrize("name", [name for name, (_, _, idle) in REFUSED.items() if idle])
def test_a_value_that_changes_nothing_is_taken(name: str) -> None:
    takes_value, _, idle = REFUSED[name]
    for value in idle:
        assert options.parse([f"{name}={value}", "x", "-y"]) == ({}, ["x", "-y"])
        if takes_value:
            assert options.parse(["--rm", name, value, "x"]) == ({"rm": True}, ["x"])


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--nope"], "unknown flag: --nope"),
        (["-z"], "unknown shorthand flag: 'z' in -z"),
        (["-itz", "x"], "unknown shorthand flag: 'z' in -z"),
        (["--name"], "flag needs an argument: --name"),
        (["-e"], "flag needs an argument: 'e' in -e"),
        (["--rm=5"], 'invalid argument "5" for "--rm" flag: strconv.ParseBool: parsing "5": '
         "invalid syntax"),
    ],
)  # fmt: skip
def test_dockers_words_for_what_nobody_understands(argv: list[str], words: str) -> None:
    with pytest.raises(UsageError) as problem:
        options.parse(argv)
    assert problem.value.docker == words
