"""Command lines that cannot be read: our sentence, Docker's words, and Docker's exit status."""

from __future__ import annotations

import pytest

from minidocker import cli
from minidocker.plan.options import BY_KEY
from minidocker.spec.near import nearest
from minidocker.verbs.parser import make
from minidocker.verbs.words import MODULES, OWN

LINES = [
    ("--bogus", 125, "unknown flag: --bogus"),
    ("frob", 1, "unknown command: docker frob"),
    ("run", 1, "'docker run' requires at least 1 argument"),
    ("run --bogus base", 125, "unknown flag: --bogus"),
    ("run --dry-run -m x base", 125, 'invalid argument "x" for "-m, --memory" flag'),
    ("create --bogus base", 125, "unknown flag: --bogus"),
    ("container run --bogus base", 125, "unknown flag: --bogus"),
    ("ps --bogus", 125, "unknown flag: --bogus"),
    ("ps --bogus=1 -q", 125, "unknown flag: --bogus"),
    ("ps -Zq", 125, "unknown shorthand flag: 'Z' in -Zq"),
    ("ps one", 1, "'docker ps' accepts no arguments"),
    ("ps -n", 125, "flag needs an argument: 'n' in -n"),
    ("ps --last", 125, "flag needs an argument: --last"),
    ("ps -n x", 125, 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": '
     "invalid syntax"),
    ("ps --all=perhaps", 125, 'invalid argument "perhaps" for "-a, --all" flag: strconv.ParseBool: '
     'parsing "perhaps": invalid syntax'),
    ("ps --filter name", 125, 'invalid argument "name" for "-f, --filter" flag: bad format of '
     "filter (expected name=value)"),
    ("ps --filter nam=x", 1, "invalid filter 'nam'"),
    ("events --filter nam=x", 1, "invalid filter 'nam'"),
    ("images --filter nam=x", 1, "invalid filter 'nam'"),
    ("network ls --filter nam=x", 1, "invalid filter 'nam'"),
    ("volume ls --filter nam=x", 1, "invalid filter 'nam'"),
    ("rm", 1, "'docker rm' requires at least 1 argument"),
    ("rm --bogus", 125, "unknown flag: --bogus"),
    ("rename one", 1, "'docker rename' requires 2 arguments"),
    ("cp one", 1, "'docker cp' requires 2 arguments"),
    ("commit", 1, "'docker commit' requires at least 1 and at most 2 arguments"),
    ("exec box", 1, "'docker exec' requires at least 2 arguments"),
    ("stop -t soon box", 125, 'invalid argument "soon" for "-t, --time, --timeout" flag: '
     'strconv.ParseInt: parsing "soon": invalid syntax'),
    ("network fly", 1, "unknown command: docker network fly"),
    ("container fly", 1, "unknown command: docker container fly"),
    ("image ls --bogus", 125, "unknown flag: --bogus"),
    ("network ls one", 1, "'docker network ls' accepts no arguments"),
    ("network ls --filtre", 125, "unknown flag: --filtre"),
    ("volume rm", 1, "'docker volume rm' requires at least 1 argument"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "status", "docker"), LINES)
def test_its_status_and_words_are_dockers(
    line: str, status: int, docker: str, capsys: pytest.CaptureFixture, tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("MINIDOCKER_ROOT", str(tmp_path))
    assert cli.main(line.split()) == status
    told = capsys.readouterr()
    assert not told.out and f"(Docker says: {docker}" in told.err
    assert len(told.err.splitlines()) == 2 and "\n  try: " in told.err


@pytest.mark.parametrize("word", ["network", "volume", "image", "container", "system"])
def test_a_word_of_words_alone_shows_its_help(word: str, capsys: pytest.CaptureFixture) -> None:
    """As in Docker: on standard error, with status 0."""
    with pytest.raises(SystemExit) as ended:
        cli.main([word])
    told = capsys.readouterr()
    assert ended.value.code == 0 and not told.out and f"minidocker {word}" in told.err


def test_words_that_docker_has_not_end_as_most_programs_do() -> None:
    assert {"run", "ps", "info", "completion", "version", "search", "manifest"} <= set(MODULES) - OWN
    assert {"grade", "vm", "xray", "prune"} < OWN <= set(MODULES)
    assert cli.main(["grade", "--bogus"]) == 2


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("--nmae", "--name"), ("--interactiv", "--interactive"), ("--volumes", "--volumes-from"),
        ("--Name", "--name"), ("--evn", "--env"), ("--memroy", "--memory"), ("--publsh", "--publish"),
        ("--detatch", "--detach"), ("--capadd", "--cap-add"),
        ("--bogus", ""), ("--nothing", ""), ("--x", ""), ("--foo", ""), ("--verbose", ""), ("--", ""),
    ],
)  # fmt: skip
def test_only_what_is_near_is_meant(word: str, meant: str) -> None:
    assert nearest(word, [name for option in BY_KEY.values() for name in option.names]) == meant


def test_a_capability_and_an_escape_are_meant_in_the_same_way(capsys: pytest.CaptureFixture) -> None:
    for name, said in (("NETADMIN", "did you mean NET_ADMIN?"), ("bogus", "man 7 capabilities")):
        assert cli.main(["run", "--dry-run", "--cap-add", name, "base"]) == 125
        assert said in capsys.readouterr().err


def test_an_option_without_a_value_takes_true_and_false() -> None:
    parser = make("x", "About.")
    parser.add_argument("-a", "--all", action="store_true")
    parser.add_argument("--pause", action="store_true", default=True)
    for words, wanted in (
        ([], (False, True)), (["--all=true", "--pause=false"], (True, False)), (["-a=0"], (False, True)),
        (["--pause=F", "--pause"], (False, True)), (["--all", "--all=false"], (False, True)),
    ):  # fmt: skip
        found = parser.parse_args(words)
        assert (found.all, found.pause) == wanted, words
