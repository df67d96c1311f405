"""From words to a Spec: options, sizes, volumes; and the texts that travel."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidocker.errors import UsageError
from minidocker.images.store.store import Store
from minidocker.plan import from_options, options
from minidocker.plan.help import ORDER, help_parser
from minidocker.runtime.channel import Channel
from minidocker.spec.lean_json import to_json
from minidocker.spec.spec import Resources, Spec
from minidocker.spec.words import FLAG, Option, parse_size
from minidocker.stages import STAGES
from minidocker.stages.mounts import parse_tmpfs, parse_volume


@pytest.mark.parametrize(
    ("argv", "found", "rest"),
    [
        (["base", "ls", "-l"], {}, ["base", "ls", "-l"]),
        (["-it", "base"], {"interactive": True, "tty": True}, ["base"]),
        (["-e", "A=1", "-eB=2", "--env=C=3", "x"], {"env": ["A=1", "B=2", "C=3"]}, ["x"]),
        (["--name=a", "--", "--odd"], {"name": "a"}, ["--odd"]),
        (["-m64m", "x"], {"memory": "64m"}, ["x"]),
        (["--rm=false", "x"], {"rm": False}, ["x"]),
        (["--name", "a", "--name", "b"], {"name": "b"}, []),
    ],
)
def test_parse(argv: list[str], found: dict, rest: list[str]) -> None:
    assert options.parse(argv) == (found, rest)


@pytest.mark.parametrize("argv", [["--nope"], ["-z"], ["--name"], ["--rm=5"], ["-itz", "x"]])
def test_parse_refuses(argv: list[str]) -> None:
    with pytest.raises(UsageError) as problem:
        options.parse(argv)
    assert problem.value.remedy


def test_help_shows_every_option_of_the_table() -> None:
    text = help_parser().format_help()
    for option in options.RUN:
        assert option.names[-1] in text
    assert list(options.BY_KEY) == [option.key for option in options.RUN]  # none has two owners
    assert set(ORDER) <= set(options.BY_KEY)


TEXTS = {
    "ulimit": "core=0", "cap-add": "CHOWN", "cap-drop": "CHOWN", "tmpfs": "/t", "ip": "10.0.0.2",
    "publish": "80:80", "ipc": "container:a", "pid": "container:a", "network": "container:a",
}  # fmt: skip
OWNED = [
    (stage.name, option) for stage in STAGES for option in stage.options
    if stage.name != "identity" and option.key != "uts"  # always there; shares with the host alone
]  # fmt: skip


@pytest.mark.parametrize(("stage", "option"), OWNED, ids=lambda x: getattr(x, "key", x))
def test_an_option_of_a_stage_that_is_left_out_is_refused(stage: str, option: Option) -> None:
    argv = option.names[:1]
    if option.kind != FLAG:
        argv += (TEXTS.get(option.key, "5"),)
    others = "time" if stage == "rlimits" else "rlimits"
    if stage != "user":
        others += ",user"
    with pytest.raises(UsageError, match=f"needs the stage {stage}, and --stages leaves it out"):
        plan_of("--stages", others, *argv, "ls")


@pytest.mark.parametrize("option", ["ipc", "uts", "pid", "network"])
def test_what_is_the_hosts_needs_no_stage(option: str) -> None:
    spec, _ = plan_of("--stages", "rlimits,user", f"--{option}", "host", "ls")
    assert list(spec.sharing.values()) == ["host"]


@pytest.mark.parametrize(
    ("text", "size"),
    [("64m", 64 << 20), ("1g", 1 << 30), ("5", 5), ("2k", 2048), ("64MB", 64 << 20), ("0.5g", 1 << 29)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text, "-m") == size


@pytest.mark.parametrize("text", ["", "3x", "m", "-1", "1.2.3m", "infm", "nan", "b", "mb"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(UsageError):
        parse_size(text, "-m")


@given(st.text(max_size=12))
def test_a_size_is_a_number_or_a_sentence(text: str) -> None:
    with contextlib.suppress(UsageError):  # anything else, a ValueError say, fails the test
        assert parse_size(text, "-m") >= 0


def test_volumes_and_tmpfs() -> None:
    mount = parse_volume("/a:/b:ro", touch=False)
    assert (mount.source, mount.destination, mount.readonly) == ("/a", "/b", True)
    assert parse_tmpfs("/t:size=1m", "--tmpfs").options == "size=1m"
    for text in ("a:/b", "/a:b", "/a:/b:rx", ":/b", "/", "a/b:/c", "/a:/b:ro:x", "/a:/"):
        with pytest.raises(UsageError) as problem:
            parse_volume(text)
        assert problem.value.docker and problem.value.remedy


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(PLAIN)
def test_our_json_is_json(value: object) -> None:
    assert json.loads(to_json(value)) == value


def test_a_spec_goes_into_a_record() -> None:
    spec = Spec(id="a", resources=Resources(memory=5), mounts=[parse_volume("/a:/b", touch=False)])
    back = json.loads(to_json(spec.as_dict()))
    assert back["resources"]["memory"] == 5
    assert back["mounts"][0]["destination"] == "/b"
    with pytest.raises(TypeError):
        Spec(nonsense=1)


def test_channel_tells_and_ends(tmp_path) -> None:
    channel = Channel()
    channel.say("failed", message='a "quoted" word\n', remedy="", status=126, trace="")
    channel.say("step", stage="pid", moment="spawn", part="", origin="", method="kill", shell="",
                call="x" * 200_000, at=0.5)  # fmt: skip
    assert channel.hear() == {"kind": "failed", "message": 'a "quoted" word\n', "remedy": "",
                              "status": 126, "trace": ""}  # fmt: skip
    assert channel.hear()["call"].startswith("xxx")
    with open(tmp_path / "f", "w") as file:
        channel.send_terminal(file.fileno())
        message = channel.hear()
    assert message["kind"] == "terminal"
    import os

    assert os.fstat(message["fd"]).st_ino == (tmp_path / "f").stat().st_ino
    os.close(message["fd"])
    assert not channel.host_is_gone()
    channel.child.close()
    assert channel.hear() is None


def plan_of(*argv: str) -> tuple:
    found, words = options.parse(list(argv))
    return from_options.plan(found, words, Store("/nowhere"), touch=False)


def test_docker_rules_for_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "1")
    spec, _ = plan_of("--entrypoint", "/e", "-e", "HERE", "-e", "X=1", "-e", "X=2", "img", "a")
    assert spec.process.args == ["/e", "a"]
    assert "HERE=1" in spec.process.env
    assert [item for item in spec.process.env if item.startswith("X=")] == ["X=2"]
    assert spec.image == "img"
    assert spec.hostname == spec.id
    spec, stages = plan_of("--stages", "..mounts", "ps")
    assert spec.process.args == ["ps"]
    assert spec.image == ""
    assert [stage.name for stage in stages] == ["pid", "propagation", "mounts", "identity"]


@pytest.mark.parametrize(
    "argv",
    [
        ("--stages", "pid", "--rootfs", "/x", "ls"), ("--stages", "..rootfs", "img"),
        ("--stages", "pid", "-m", "1m", "ls"), ("--stages", "uts", "--init", "ls"),
        ("--rootfs", "/x", "--layer", "/y", "ls"), ("-w", "rel", "img"), ("-e", "=x", "img"),
        ("--memory-swap", "1g", "img"), ("--name", "-x", "img"),
    ],
)  # fmt: skip
def test_plan_refuses(argv: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as problem:
        plan_of(*argv)
    assert problem.value.remedy
