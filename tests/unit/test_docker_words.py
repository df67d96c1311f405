"""What people type to `docker run`, form by form: what it becomes, and what is refused and how."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from minidocker import cli
from minidocker.engine.described import config
from minidocker.errors import Blocked, MinidockerError, NoImage, UsageError
from minidocker.formats.template import Template
from minidocker.formats.values import as_json
from minidocker.images.store.image import parse_lean
from minidocker.images.store.lean import lean
from minidocker.images.store.store import Store
from minidocker.kernel.trace import Pretend
from minidocker.net import names
from minidocker.plan import from_options, options
from minidocker.spec.spec import Ids, Names, Resources, Run, Spec
from minidocker.spec.words import fields
from minidocker.stages.cgroup import Cgroup, pass_on_cpuset, rarer
from minidocker.stages.identity import lookup
from minidocker.volumes import words as volume_words


def plan(*argv: str) -> Spec:
    found, words = options.parse([*argv, "img", "true"])
    return from_options.plan(found, words, Store("/nowhere"), touch=False)[0]


def said(*argv: str) -> MinidockerError:
    with pytest.raises(MinidockerError) as problem:
        plan(*argv)
    assert problem.value.remedy and problem.value.status == 125
    return problem.value


def test_a_strangers_text_in_an_error_steers_no_terminal(capsys: pytest.CaptureFixture) -> None:
    """An image's working directory, say: it comes into the sentence that refuses it."""
    assert cli.main(["run", "--dry-run", "-w", "\x1b]0;x\x07é\u202e", "img"]) == 125
    told = capsys.readouterr().err
    assert "-w \\x1b]0;x\\x07é\\u202e is not an absolute path\n  try: " in told
    assert "\x1b" not in told and "\x07" not in told


def test_an_error_is_told_where_no_file_can_be_opened_any_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """What prints it in full is loaded only then: a start that goes well need not pay for it."""
    monkeypatch.setitem(sys.modules, "minidocker.verbs.failed", None)
    monkeypatch.delattr("minidocker.verbs.failed", raising=False)
    assert cli.main(["run", "--dry-run", "-w", "x", "img"]) == 125
    assert capsys.readouterr().err == "minidocker: -w x is not an absolute path\n"


def test_a_package_that_could_not_be_looked_at_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """stat(2) of its __init__ fails: Python takes the directory for a module without anything."""
    (tmp_path / "empty_of_ours").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cli, "dispatch", lambda *_: __import__("empty_of_ours").compile)
    assert cli.main(["run"]) == 125
    assert "open(2) of a module of Python's fails: module 'empty_of_ours' has no" in capsys.readouterr().err
    monkeypatch.setattr(cli, "dispatch", lambda *_: cli.nosuch)
    with pytest.raises(AttributeError):  # a mistake of ours
        cli.main(["run"])


# --- what it becomes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "section", "wanted"),
    [
        (["-c", "512"], "resources.shares", 512),
        (["-c512"], "resources.shares", 512),
        (["--cpu-shares=512"], "resources.shares", 512),
        (["--cpuset-cpus", "0-2,4"], "resources.cpuset", "0-2,4"),
        (["--cpuset-mems=0"], "resources.mems", "0"),
        (["--memory-reservation", "32m"], "resources.reservation", 32 << 20),
        (["--cpu-period", "50000", "--cpu-quota", "25000"], "resources.quota", 25000),
        (["--cpu-quota", "-1"], "resources.quota", -1),
        (["--cpu-quota", "0"], "resources.quota", None),
        (["--group-add", "audio", "--group-add=7"], "process.groups", ["audio", "7"]),
        (["--oom-score-adj", "-500"], "process.oom_score", -500),
        (["-l", "a=b", "-lc", "--label", "d=e=f", "-l", "a=z"], "labels", {"a": "z", "c": "", "d": "e=f"}),
        (["--annotation", "x=y"], "annotations", {"x": "y"}),
        (["--stop-signal", "int"], "stop_signal", signal.SIGINT),
        (["--stop-signal", "SIGRTMIN"], "stop_signal", signal.SIGRTMIN),
        (["--stop-signal=9"], "stop_signal", 9),
        (["--stop-signal", "SIGRTMIN+3"], "stop_signal", signal.SIGRTMIN + 3),
        (["--stop-signal", "rtmax-14"], "stop_signal", signal.SIGRTMAX - 14),
        (["--stop-timeout", "-1"], "stop_timeout", -1),
        (["--sysctl", "net.ipv4.ip_forward=1"], "sysctl", {"net/ipv4/ip_forward": "1"}),
        (["--sysctl", "net/ipv4/conf/eth0.5/forwarding=1"], "sysctl",
         {"net/ipv4/conf/eth0.5/forwarding": "1"}),
        (["--sysctl", "net.ipv4.conf.eth0/5.forwarding=1"], "sysctl",
         {"net/ipv4/conf/eth0.5/forwarding": "1"}),
        (["--sysctl", "kernel.sem=1 2 3 4", "--sysctl", "fs.mqueue.msg_max=20"], "sysctl",
         {"kernel/sem": "1 2 3 4", "fs/mqueue/msg_max": "20"}),
        (["--net", "none"], "net", None),
        (["--net=shop"], "net.name", "shop"),
        (["--network", "default"], "net.name", "bridge"),
        ([], "net.name", "bridge"),
        ([], "net.by_default", True),
        (["--network", "bridge"], "net.by_default", False),
        (["-p", "80:80"], "net.by_default", False),
        (["--net-alias", "db", "--network-alias=web"], "net.aliases", ["db", "web"]),
        (["--network", "name=shop,alias=db,alias=web"], "net.aliases", ["db", "web"]),
        (["--mac-address", "02-42-AC-11-00-02"], "net.mac", "02:42:ac:11:00:02"),
        (["--add-host", "a:1.2.3.4", "--add-host", "b=::1", "--add-host", "c:[::1]"], "names.hosts",
         [["a", "1.2.3.4"], ["b", "::1"], ["c", "::1"]]),
        (["--add-host", "host.docker.internal:host-gateway"], "names.hosts",
         [["host.docker.internal", "host-gateway"]]),
        (["--dns", "9.9.9.9", "--dns", "::1", "--dns-opt", "ndots:1"], "names.servers",
         ["9.9.9.9", "::1"]),
        (["--name", "/web"], "name", "web"),
        (["--rm=0"], "remove", False),
        (["--rm=True"], "remove", True),
        (["-i=false", "-t=false"], "process.terminal", False),
    ],
)  # fmt: skip
def test_what_it_becomes(argv: list[str], section: str, wanted: object) -> None:
    found: object = plan(*argv)
    for name in section.split("."):
        found = getattr(found, name)
    assert found == wanted


def test_exposed_ports_are_published_when_all_are() -> None:
    assert plan("--expose", "80").net.ports == []
    ports = plan("-P", "--expose", "80-82", "--expose", "53/UDP", "-p", "8081:81").net.ports
    assert [(p.container, p.protocol, p.host) for p in ports] == [
        (81, "tcp", 8081), (80, "tcp", 0), (82, "tcp", 0), (53, "udp", 0)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (":80", [(0, 80, 0)]), ("127.0.0.1::80", [(0, 80, 0)]), ("8000-8002:80", [(8000, 80, 8002)]),
        ("8000-8001:80-81/TCP", [(8000, 80, 0), (8001, 81, 0)]),
    ],
)  # fmt: skip
def test_ports_that_the_host_chooses(text: str, wanted: list[tuple[int, int, int]]) -> None:
    assert [(p.host, p.container, p.last) for p in plan("-p", text).net.ports] == wanted


def test_a_wall_alone_has_no_cable() -> None:
    found, words = options.parse(["--stages", "pid,uts,network,user", "true"])
    assert from_options.plan(found, words, Store("/nowhere"), touch=False)[0].net is None


# --- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "docker"),
    [
        (["-m", "3x"], 'invalid argument "3x" for "-m, --memory" flag'),
        (["--cpus", "x"], 'invalid argument "x" for "--cpus" flag'),
        (["-c", "x"], 'invalid argument "x" for "-c, --cpu-shares" flag'),
        (["--cpuset-cpus", "a"], "invalid value a for cpuset cpus"),
        (["--cpuset-cpus", "3-1"], "invalid value 3-1 for cpuset cpus"),
        (["--cpuset-cpus", "0,"], "invalid value 0, for cpuset cpus"),
        (["--cpus", "1", "--cpu-quota", "5000"], "Nano CPUs and CPU Quota cannot both be set"),
        (["--cpus", "1", "--cpu-period", "5000"], "Nano CPUs and CPU Period cannot both be set"),
        (["--cpu-period", "5"], "CPU cfs period can not be less than 1ms"),
        (["--cpu-quota", "5"], "CPU cfs quota can not be less than 1ms"),
        (["-m", "8m", "--memory-reservation", "9m"], "can not be less than memory reservation"),
        (["--memory-swap", "9m"], "You should always set the Memory limit"),
        (["--oom-score-adj", "1001"], "range for oom score adj is [-1000, 1000]"),
        (["--oom-score-adj", "x"], "range for oom score adj is [-1000, 1000]"),
        (["--stop-signal", "SIGNOTHING"], "Invalid signal: SIGNOTHING"),
        (["--stop-signal", "0"], "Invalid signal: 0"),
        (["--stop-signal", "RTMIN+31"], "Invalid signal: RTMIN+31"),
        (["--stop-signal", "INT+1"], "Invalid signal: INT+1"),
        (["--stop-timeout", "soon"], 'invalid argument "soon" for "--stop-timeout" flag'),
        (["--sysctl", "kernel.core_pattern=x"], "is not allowed"),
        (["--sysctl", "kernel.hostname=x"], "is not allowed"),
        (["--sysctl", "vm.swappiness=1"], "is not allowed"),
        (["--sysctl", "net/../kernel/core_pattern=x"], "is not allowed"),
        (["--sysctl", "net...kernel=x"], "is not allowed"),
        (["--sysctl", "net/ipv4//x=1"], "is not allowed"),
        (["--sysctl", "net.ipv4.ip_forward"], "is not allowed"),
        (["--sysctl", "net.ipv4.ip_forward=1", "--network", "host"], "not allowed in host network"),
        (["--sysctl", "net.ipv4.ip_forward=1", "--network", "container:a"], "not allowed in host"),
        (["--sysctl", "kernel.shmmax=1", "--ipc", "host"], "not allowed in host ipc namespace"),
        (["--add-host", "a"], 'bad format for add-host: "a"'),
        (["--add-host", ":1.2.3.4"], "bad format for add-host"),
        (["--add-host", ""], 'bad format for add-host: ""'),
        (["--add-host", "=1.2.3.4"], 'bad format for add-host: "=1.2.3.4"'),
        (["--add-host", "a:1.2.3"], 'invalid IP address in add-host: "1.2.3"'),
        (["--dns", "x"], 'invalid argument "x" for "--dns" flag: IP address is not correctly formatted: x'),
        (["--dns-search", "a b"], "is not a valid domain"),
        (["--mac-address", "02:42"], "is not a valid mac address"),
        (["--mac-address", "ff:ff:ff:ff:ff:ff"], "is not a valid mac address"),
        (["--expose", "x"], "invalid range format for --expose: x"),
        (["--expose", "9" * 5000], "invalid range format for --expose: 9"),
        (["--stop-signal", "9" * 5000], "Invalid signal: 9"),
        (["--expose", "80/sctp"], "invalid range format for --expose"),
        (["-p", "80-x:80"], "invalid hostPort: 80-x"),
        (["-p", "70000:80"], "invalid hostPort: 70000"),
        (["-p", "80:x"], "invalid containerPort: x"),
        (["-p", "80:70000"], "invalid containerPort: 70000"),
        (["-p", "80:"], "no port specified: 80:<empty>"),
        (["-p", ""], "no port specified: <empty>"),
        (["-p", "80:80/foo"], "invalid proto: foo"),
        (["-p", "localhost:80:80"], "invalid IP address: localhost"),
        (["-p", "80:80:90:100"], "invalid IP address: 80:80"),
        (["-p", "80-82:80-81"], "invalid ranges specified for container and host Ports: 80-81 and 80-82"),
        (["-l", "=x"], "invalid argument \"=x\" for \"-l, --label\" flag: invalid label '=x': empty name"),
        (["-l", "a b=c"], "label 'a b' contains whitespaces"),
        (["--ulimit", "nofile"], "invalid ulimit argument: nofile"),
        (["--ulimit", "foo=1"], "invalid ulimit type: foo"),
        (["--ulimit", "=1"], "invalid ulimit type: "),
        (["--ulimit", "nofile="], 'strconv.ParseInt: parsing "": invalid syntax'),
        (["--ulimit", "nofile=100:"], 'strconv.ParseInt: parsing "": invalid syntax'),
        (["--ulimit", "nofile=1:a"], 'strconv.ParseInt: parsing "a": invalid syntax'),
        (["--ulimit", "nofile=1:2:3"], "too many limit value arguments - 1:2:3"),
        (["--ulimit", "nofile=2:1"], "ulimit soft limit must be less than or equal to hard limit: 2 > 1"),
        (["--ulimit", "core=-1:1"], "hard limit: soft: -1 (unlimited), hard: 1"),
        (["--restart", ":3"], "invalid restart policy format: no policy provided before colon"),
        (["--restart", "on-failure:x"], "invalid restart policy format: maximum retry count must be an integer"),
        (["--restart", "on-failure:-1"], "invalid restart policy: maximum retry count cannot be negative"),
        (["--stop-signal", "RTMIN+99"], "Invalid signal: RTMIN+99"),
        (["--stop-signal", "RTMIN-1"], "Invalid signal: RTMIN-1"),
        (["--stop-signal", "TERM+1"], "Invalid signal: TERM+1"),
        (["--cap-add", "FOO"], 'invalid CapAdd: unknown capability: "CAP_FOO"'),
        (["--cap-drop", "FOO"], 'invalid CapDrop: unknown capability: "CAP_FOO"'),
        (["--security-opt", "foo"], 'Invalid --security-opt: "foo"'),
        (["--uts", "foo"], "--uts: invalid UTS mode"),
        (["--pid", "foo"], "--pid: invalid PID mode"),
        (["--userns", "foo"], "--userns: invalid USER mode"),
        (["--network", ""], "no name set for network"),
        (["-v", ""], "invalid empty volume spec"),
        (["-v", "aa:/d:ro,rw"], "invalid mode: ro,rw"),
        (["--mount", "type=BIND,src=/x,dst=/"], "invalid mount config for type \"bind\": invalid specification"),
        (["--mount", "type=,dst=/d"], "type is required"),
        (["--mount", "dst=/d,readonly="], "invalid value for readonly: "),
        (["--mount", "dst=/d,foo"], "invalid field 'foo' must be a key=value pair"),
        (["--mount", "dst=/d,"], "invalid field '' must be a key=value pair"),
        (["--mount", "type=volume, dst=/d"], "unexpected key ' dst' in ' dst=/d'"),
        (["--mount", "type=tmpfs,dst=/d,tmpfs-size=x"], "invalid value for tmpfs-size: x"),
        (["--mount", "type=bind,source=,dst=/d"], "field Source must not be empty"),
        (["--mount", "type=volume,src=./x,dst=/d"], '"./x" includes invalid characters for a local volume name'),
        (["--tmpfs", "/"], "invalid specification: destination can't be '/'"),
        (["-e", "=x"], "invalid environment variable: =x"),
        (["-w", "rel"], "it needs to be an absolute path"),
        (["--name", "a/b"], "Invalid container name (a/b)"),
        (["--ulimit", "nofile"], 'invalid argument "nofile" for "--ulimit" flag'),
        (["--shm-size", "x"], 'invalid argument "x" for "--shm-size" flag'),
        (["--network", "colour=red"], "invalid field key colour"),
        (["--network", "name=x,colour"], "invalid field colour"),
    ],
)  # fmt: skip
def test_dockers_words_where_it_refuses(argv: list[str], docker: str) -> None:
    assert docker in said(*argv).docker


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["-p", "80:80/sctp"], "sctp is not passed on"),
        (["-p", "[::1]:80:80"], "our networks have no IPv6"),
        (["-p", "::1:80:80"], "our networks have no IPv6"),
        (["--ipc", "none"], "a /dev/shm of its own comes with every container"),
        (["--security-opt", "apparmor=mine"], "no wall here is made of AppArmor"),
        (["--security-opt", "label=type:x"], "no wall here is made of SELinux"),
        (["--use-api-socket"], "there is no daemon"),
    ],
)
def test_what_is_refused_by_its_name_has_a_reason(argv: list[str], reason: str) -> None:
    problem = said(*argv)
    assert " is refused: " in problem.message and reason in problem.message


@pytest.mark.parametrize("text", ["size=x", "size=-1", "mode=9999", "uid=root", "nr_inodes=", "size=5000%"])
def test_what_no_tmpfs_takes_is_said_before_anything_is_mounted(text: str) -> None:
    assert text in said("--tmpfs", f"/d:{text}").message


def test_what_says_nothing_or_the_same_is_taken_as_in_docker() -> None:
    """Empty values, the same words twice, and what is so in any case."""
    spec = plan("--ip", "", "--ipc", "shareable", "--pid", "", "--uts=", "--restart", "no:", "--cpus", "0",
                "--security-opt", "apparmor=unconfined", "--security-opt", "label:disable",
                "--security-opt", "seccomp=builtin", "--annotation", "bare")  # fmt: skip
    assert (spec.net.address, spec.sharing, spec.restart, spec.resources.cpus) == ("", {}, None, None)
    assert spec.annotations == {"bare": ""}
    spec = plan("-v", "aa:/d", "-v", "aa:/d", "-v", "/x", "-v/x", "--tmpfs", "/t:ro", "--tmpfs", "/t:size=1m")
    assert [mount.destination for mount in spec.mounts] == ["/t", "/d", "/x"]
    assert spec.mounts[0].options == "size=1m"
    assert said("-v", "aa:/d", "-v", "aa:/d:ro").docker == "Duplicate mount point: /d"


def test_labels_of_selinux_are_refused_where_it_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """z and Z change nothing elsewhere, as in Docker."""
    monkeypatch.setattr(volume_words, "SELINUX", str(tmp_path / "none"))
    assert [mount.readonly for mount in plan("-v", "/srv:/d:z", "-v", "/srv:/e:ro,Z").mounts] == [False, True]
    assert "invalid mode: z,Z" in (said("-v", "/srv:/d:z,Z").docker or "")
    monkeypatch.setattr(volume_words, "SELINUX", str(tmp_path))
    assert "label of SELinux" in said("-v", "/srv:/d:ro,Z").message


def test_long_words_of_a_port_are_the_short_ones() -> None:
    def ports(text: str) -> list[tuple[int, int, str]]:
        return [(port.host, port.container, port.protocol) for port in plan("-p", text).net.ports]

    assert ports("target=80,published=8080") == ports("8080:80") == [(8080, 80, "tcp")]
    assert ports("published=53,target=5353,protocol=UDP,mode=host") == [(53, 5353, "udp")]
    assert ports("target=80") == ports("0:80") == ports(":80") == [(0, 80, "tcp")]
    assert "foo" in said("-p", "target=80,foo=1").docker


def test_a_real_time_signal_by_its_distance() -> None:
    assert plan("--stop-signal", "rtmin+3").stop_signal == signal.SIGRTMIN + 3
    assert plan("--stop-signal", "SIGRTMAX-14").stop_signal == signal.SIGRTMAX - 14


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "env").write_bytes(b"A=1\nB=\xff\xfe\n")
    with pytest.raises(UsageError) as problem:
        from_options._env([], [], {"env-file": [str(tmp_path / "env")]})  # type: ignore[arg-type]
    assert "invalid utf8 bytes at line 2: [255 254]" in problem.value.docker


def test_an_id_out_of_range_is_refused_in_dockers_words() -> None:
    group = [["audio", "x", "29", ""]]
    for asked in ("-1", "2147483648", "4294967295", "0:4294967295", "audio:99999999999"):
        with pytest.raises(MinidockerError) as problem:
            lookup(asked, [["audio", "x", "5", "5", "", "/"]], group)
        assert problem.value.docker == "uids and gids must be in range 0-2147483647"
    with pytest.raises(MinidockerError) as problem:
        lookup("5:nobody-here", [], group)
    assert problem.value.docker == "unable to find group nobody-here: no matching entries in group file"
    assert lookup("2147483647:29", [], group)[:2] == (2147483647, 29)


def test_networks_that_go_with_no_other() -> None:
    assert "goes with no other" in said("--net", "none", "--network", "b").message
    assert said("--net", "a", "--network", "host").docker.startswith("conflicting options: ")
    assert said("--net", "a", "--network", "a").docker == 'network "a" is specified multiple times'


# --- files of variables and labels ---------------------------------------------------------


def test_files_of_variables_as_docker_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", "ours")
    monkeypatch.delenv("GONE", raising=False)
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text('\ufeffA=1\n# no\n\n  B="2 2"\nC=\nHERE\nGONE\nD=x=y #z\r\nTWICE=one\nPATH=/x\n')
    two.write_text("TWICE=two\nE=5")
    env = plan("-e", "E=option", "--env-file", str(one), f"--env-file={two}").process.env
    found = dict(item.split("=", 1) for item in env)
    assert found["A"] == "1" and found["B"] == '"2 2"' and found["C"] == ""
    assert found["HERE"] == "ours" and "GONE" not in found and found["D"] == "x=y #z"
    assert found["TWICE"] == "two"  # the last file; and an option goes before all files
    assert found["E"] == "option" and found["PATH"] == "/x"


def test_a_name_alone_in_a_file_takes_nothing_away(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("PATH_OF_NOBODY\n")
    assert any(item.startswith("PATH=") for item in plan("--env-file", str(tmp_path / "env")).process.env)


@pytest.mark.parametrize(
    ("text", "docker"),
    [("A B=1\n", "variable 'A B' contains whitespaces"), ("=x\n", "no variable name on line '=x'")],
)
@pytest.mark.parametrize("option", ["--env-file", "--label-file"])
def test_lines_that_are_none(tmp_path: Path, option: str, text: str, docker: str) -> None:
    (tmp_path / "file").write_text(text)
    assert said(option, str(tmp_path / "file")).docker == docker
    assert "open /no/such: no such file" in said(option, "/no/such").docker


def test_labels_of_files_and_of_options(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("# note\na=1\nb\nc=3\n")
    labels = plan("-l", "c=option", "--label-file", str(tmp_path / "file")).labels
    assert labels == {"a": "1", "b": "", "c": "option"}


# --- what the stages do with it ------------------------------------------------------------


def test_rarer_limits_become_files() -> None:
    asked = Resources(reservation=5, quota=25000, period=50000, cpuset="0-1", mems="0")
    assert rarer(asked) == {"memory.low": "5", "cpu.max": "25000 50000", "cpuset.cpus": "0-1",
                            "cpuset.mems": "0"}  # fmt: skip
    assert rarer(Resources(period=50000)) == {"cpu.max": "max 50000"}
    assert rarer(Resources(quota=-1)) == {"cpu.max": "max 100000"}
    assert Cgroup.limits(asked) == {}  # the lesson's part knows them not: they are written apart


def test_cpuset_is_passed_on_from_the_top() -> None:
    top = "/sys/fs/cgroup"
    offered = {f"{top}/cgroup.controllers": "cpuset cpu\n", f"{top}/cgroup.subtree_control": "cpu\n",
               f"{top}/minidocker/cgroup.controllers": "cpuset cpu\n"}  # fmt: skip
    kernel = Pretend(offered)
    pass_on_cpuset(kernel, f"{top}/minidocker/abc", top)
    assert [args for name, args in kernel.calls if name == "write"] == [
        (f"{top}/cgroup.subtree_control", "+cpuset"),
        (f"{top}/minidocker/cgroup.subtree_control", "+cpuset"),
    ]
    with pytest.raises(Blocked, match="was not given the controller cpuset"):
        pass_on_cpuset(Pretend({f"{top}/cgroup.controllers": "cpu\n"}), f"{top}/x", top)


def test_more_groups_are_looked_up_in_the_container() -> None:
    from minidocker.stages.identity import Identity

    kernel = Pretend({"/etc/passwd": "web:x:5:6::/w:/bin/sh\n", "/etc/group": "audio:x:29:\nweb:x:6:\n"})
    spec = plan("-u", "web", "--group-add", "audio", "--group-add", "77", "--group-add", "6")
    Identity().inside(kernel, Run(id="x", directory="/d", root="/r", spec=spec, facts={}))
    assert [args for name, args in kernel.calls if name == "setgroups"] == [([6, 29, 77],)]
    assert lookup("5:77", [["web", "x", "5", "6", "", "/w"]], [])[:3] == (5, 77, [77])


def test_a_user_with_one_id_changes_no_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    from minidocker.stages.identity import Identity

    spec = plan()
    spec.linux.ids = Ids(setgroups="deny")
    asked = options.read({"group-add": ["7"]}, "/nowhere", False)
    with pytest.raises(Blocked, match="--group-add"):
        Identity.plan(spec, asked)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (None, "search a\nnameserver 1.1.1.1\noptions x\n"),
        (Names(hosts=[], servers=["9.9.9.9"], search=[], options=[]),
         "search a\noptions x\nnameserver 9.9.9.9\n"),
        (Names(hosts=[], servers=[], search=["b", "c"], options=["ndots:1"]),
         "nameserver 1.1.1.1\nsearch b c\noptions ndots:1\n"),
        (Names(hosts=[], servers=[], search=["."], options=[]), "nameserver 1.1.1.1\noptions x\n"),
    ],
)  # fmt: skip
def test_resolv_conf(wanted: Names | None, text: str) -> None:
    assert names.resolv_conf("search a\nnameserver 1.1.1.1\noptions x\n", wanted) == text


def test_a_line_of_csv() -> None:
    assert fields('a=1,"b=2,3",c,"d=""x"""', "--mount") == [
        ("a", "1"), ("b", "2,3"), ("c", None), ("d", '"x"')]  # fmt: skip


def test_what_an_image_declares_travels_by_the_lean_file() -> None:
    config = {"Volumes": {"/data": {}, "/more": {}}, "ExposedPorts": {"80/tcp": {}}, "StopSignal": "SIGINT",
              "Labels": {"a": "b=c", "evil": "x\0layer=../../etc"}, "Env": ["A=1"]}  # fmt: skip
    image = parse_lean(lean("sha256:1", ["ab"], config), "x", "/layers")
    assert image.layers == ["/layers/ab/fs"]
    assert image.config["Volumes"] == {"/data": {}, "/more": {}}
    assert image.config["ExposedPorts"] == {"80/tcp": {}}
    assert image.config["Labels"] == {"a": "b=c"} and image.config["StopSignal"] == "SIGINT"
    hostile = {"Volumes": ["/x"], "ExposedPorts": "80", "Labels": 5}
    assert parse_lean(lean("sha256:1", ["ab"], hostile), "x", "/l").config.get("Volumes") is None


def test_usage_error_is_one_for_what_docker_would_say() -> None:
    assert UsageError("a", "b", docker="c").docker == "c"


def test_an_image_asks_for_no_variable_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2026-57231: a name without a value took the caller's, a password say."""
    monkeypatch.setenv("PASSWORD", "secret")
    found = from_options._env([], ["PASSWORD", "PASS*", "A=1"], {"env": []})  # type: ignore[arg-type]
    assert not [one for one in found if "PASS" in one] and "A=1" in found
    found = from_options._env([], ["A=1"], {"env": ["PASSWORD"]})  # type: ignore[arg-type]
    assert "PASSWORD=secret" in found


def test_inspect_tells_the_entrypoint_from_the_command() -> None:
    for given, entrypoint, command in (
        (["--entrypoint", "/bin/echo"], ["/bin/echo"], ["true"]),
        ([], None, ["true"]),
    ):
        spec = plan(*given)
        told = json.loads(as_json(config(spec.as_dict(), {"image": "img"})))
        assert (told["Entrypoint"], told["Cmd"]) == (entrypoint, command)
    spec.process.args, spec.process.entrypoint = ["/bin/echo"], 1
    told = config(spec.as_dict(), {"image": "img"})
    assert Template("{{.Entrypoint}} {{.Cmd}} {{json .Cmd}}").fill(told) == "[/bin/echo] [] null"


@pytest.mark.parametrize(
    ("words", "docker"),
    [
        (["--ipc", "foo"], "invalid IPC mode: foo"),
        (["--device", "/dev/no-such"], 'error gathering device information while adding custom device "/dev/no-such"'),
    ],
)
def test_dockers_words_for_what_is_not_there(
    words: list[str], docker: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert cli.main(["run", "--rootfs", str(tmp_path), *words, "true"]) == 125
    assert docker in capsys.readouterr().err


def test_an_image_that_is_missing_is_told_with_its_tag() -> None:
    for name, told in (("nope", "nope:latest"), ("nope:1", "nope:1"), ("host:5000/nope", "host:5000/nope:latest")):
        assert NoImage(name, "").docker == f"No such image: {told}"
