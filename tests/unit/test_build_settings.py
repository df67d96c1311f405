"""What instructions do to an image's configuration: equal to buildah's for the same file."""

from __future__ import annotations

import pytest

from minidocker.build.dockerfile import parse
from minidocker.build.settings import SETTINGS, arguments, duration, workdir_of
from minidocker.build.state import State, from_json
from minidocker.build.substitute import Words
from minidocker.build.wrong import BuildError
from minidocker.images.store import oci


def built(text: str, state: State | None = None) -> State:
    state = state or State(oci.here())
    for one in parse("FROM base\n" + text).stages[0].steps:
        words = Words(state.values(), line=one.number)
        if one.word == "ARG":
            state.args.update({k: v for k, v in arguments(one, words) if v is not None})
        elif one.word == "WORKDIR":
            state.config["WorkingDir"] = workdir_of(state, words.word(one.rest)).rstrip("/")
        else:
            SETTINGS[one.word](state, one, words)
    return state


def config(text: str) -> dict:
    return built(text).config


# What `podman build --format docker` (buildah 1.28.2) says for the file: recorded, and played here
# without podman; tests/cli/test_build.py asks it of more files, behind `make test-more`.
FILE = """
ARG V=3
ENV A=1 B="two words" C=${V}x
ENV OLD old form value
LABEL x=y "a b"="c d" v="$V"
WORKDIR /app
WORKDIR sub
USER nobody:nogroup
EXPOSE 80 53/udp
VOLUME /data ["/x"]
VOLUME ["/y", "/z z"]
STOPSIGNAL SIGINT
CMD echo "hi there"
ENTRYPOINT ["/bin/echo", "a"]
MAINTAINER me <me@x>
"""
BUILDAH = {
    "User": "nobody:nogroup",
    "ExposedPorts": {"53/udp": {}, "80/tcp": {}},
    "Env": ["A=1", "B=two words", "C=3x", "OLD=old form value"],
    "Entrypoint": ["/bin/echo", "a"],
    "Cmd": ["/bin/sh", "-c", 'echo "hi there"'],
    "Volumes": {"/data": {}, "/y": {}, "/z z": {}, "[/x]": {}},
    "WorkingDir": "/app/sub",
    "Labels": {"a b": "c d", "v": "3", "x": "y"},
    "StopSignal": "SIGINT",
}


def test_the_configuration_is_that_of_buildah() -> None:
    state = built(FILE)
    assert state.config == BUILDAH
    assert state.author == "me <me@x>"


@pytest.mark.parametrize(
    ("text", "key", "wanted"),
    [
        ('SHELL ["ash", "-ec"]\nCMD a b', "Cmd", ["ash", "-ec", "a b"]),
        ("CMD []", "Cmd", []),
        ("CMD", "Cmd", []),
        ("EXPOSE 8000-8002", "ExposedPorts", {"8000/tcp": {}, "8001/tcp": {}, "8002/tcp": {}}),
        ("ENV P=80,81\nEXPOSE $P/x", "ExposedPorts", None),
        ("ENV P='80 81'\nEXPOSE $P", "ExposedPorts", {"80/tcp": {}, "81/tcp": {}}),
        ("ENV a=1\nENV a=2 b=$a", "Env", ["a=2", "b=1"]),
        ("ENV a=1\nENV b=2\nENV a=3", "Env", ["a=3", "b=2"]),
        ("ARG a=arg\nENV a=env\nENV b=$a", "Env", ["a=env", "b=env"]),
        ("HEALTHCHECK NONE", "Healthcheck", {"Test": ["NONE"]}),
        ('HEALTHCHECK --interval=1m30s --retries=2 CMD ["a"]', "Healthcheck",
         {"Test": ["CMD", "a"], "Interval": 90 * 10**9, "Retries": 2}),
        ("HEALTHCHECK CMD a b", "Healthcheck", {"Test": ["CMD-SHELL", "a b"]}),
        ("HEALTHCHECK \\\n\tCMD\ta b", "Healthcheck", {"Test": ["CMD-SHELL", "a b"]}),
        ("ONBUILD RUN a\nONBUILD COPY . /b", "OnBuild", ["RUN a", "COPY . /b"]),
        ("WORKDIR /a/../b/", "WorkingDir", "/b"),
        ("WORKDIR a", "WorkingDir", "/a"),
    ],
)  # fmt: skip
def test_one_setting(text: str, key: str, wanted: object) -> None:
    if wanted is None:
        with pytest.raises(BuildError):
            config(text)
    else:
        assert config(text)[key] == wanted


def test_an_entrypoint_takes_the_cmd_of_the_base_away_and_not_its_own() -> None:
    base = State(oci.here())
    base.config["Cmd"] = ["sh"]
    assert "Cmd" not in built('ENTRYPOINT ["a"]', base.begin()).config
    assert built('CMD ["b"]\nENTRYPOINT ["a"]', base.begin()).config["Cmd"] == ["b"]


@pytest.mark.parametrize(
    "text",
    ["EXPOSE 99999", "EXPOSE a", "EXPOSE 80/icmp", "EXPOSE 9-8", "VOLUME [\"\"]", "STOPSIGNAL SIGNO",
     "HEALTHCHECK RUN a", "HEALTHCHECK NONE a", "HEALTHCHECK --interval=1 CMD a", "HEALTHCHECK CMD",
     "HEALTHCHECK --retries=x CMD a", f"HEALTHCHECK --retries={'9' * 5000} CMD a", f"EXPOSE {'9' * 5000}",
     f"STOPSIGNAL {'9' * 5000}"],
)  # fmt: skip
def test_settings_that_cannot_be_name_their_line(text: str) -> None:
    with pytest.raises(BuildError) as caught:
        config(text)
    assert caught.value.line == 2


@pytest.mark.parametrize(("text", "seconds"), [("1m30s", 90), ("1.5h", 5400), ("500ms", 0.5), ("0", 0)])
def test_durations_as_go_writes_them(text: str, seconds: float) -> None:
    assert duration(text, 1, "interval") == seconds * 10**9


@pytest.mark.parametrize("text", ["", "1", "s", "1d", "-1s", "1us"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(BuildError):
        duration(text, 1, "interval")


def test_a_stage_goes_to_another_process_and_begins_anew() -> None:
    state = built("ONBUILD RUN a\nARG x=1\nENV y=2")
    state.note("RUN b", ("ab" * 32, {"size": 1}), "2027-01-01T00:00:00Z")
    again = from_json(state.as_json())
    assert (again.config, again.layers, again.history) == (state.config, state.layers, state.history)
    assert state.args == again.begin().args == {"x": "1"}  # a stage on this one has its ARGs
    assert "OnBuild" not in again.begin().config
    assert again.document()["created"] == "2027-01-01T00:00:00Z"
