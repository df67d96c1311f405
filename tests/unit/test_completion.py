"""Completion: every word and option of ours, in the languages of three shells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from minidocker.plan.options import RUN
from minidocker.verbs import shells
from minidocker.verbs.completion import words
from minidocker.verbs.shells import Option, Word
from minidocker.verbs.words import WORDS


@pytest.fixture(scope="module")
def found() -> list[Word]:
    """All words, from the parsers."""
    return words(WORDS)


def test_every_word_has_its_options(found: list[Word]) -> None:
    assert [word.name for word in found] == [name for group in WORDS.values() for name, *_ in group]
    assert [word.name for word in found if not word.options] in ([], ["oci"])  # which has its own
    by_name = dict(shells.every(found))
    names = {name for option in by_name["run"].options for name in option.names}
    assert {name for option in RUN for name in option.names} <= names
    assert {"--filter", "-f", "--format", "--no-trunc"} <= {
        name for option in by_name["ps"].options for name in option.names
    }
    assert by_name["volume rm"].names == ["volumes"] and by_name["rm"].names == ["containers"]
    assert [each.name for each in by_name["completion"].below] == ["bash", "fish", "zsh"]
    values = {name: option.value for option in by_name["ps"].options for name in option.names}
    assert values["--filter"] and not values["--all"]


def complete(tmp_path: Path, found: list[Word], *line: str) -> list[str]:
    """What bash offers for the last word of a line."""
    (tmp_path / "completion").write_text(shells.bash(found))
    (tmp_path / "minidocker").write_text(
        "#!/bin/sh\necho box\necho '$(touch here)'\necho '<none>:<none>'\n"
    )
    (tmp_path / "minidocker").chmod(0o755)
    script = (
        'PATH=$PWD:$PATH; . ./completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        '_minidocker; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *line],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return done.stdout.split()


def test_bash_completes(found: list[Word], tmp_path: Path) -> None:
    if not shutil.which("bash"):
        pytest.skip("blocked: no bash (apt-get install bash)")
    for line, offered in (
        (["minidocker", "ps", "--f"], ["--filter", "--format"]),
        (["minidocker", "volume", "ins"], ["inspect"]),
        (["minidocker", "rm", ""], ["box"]),
        (["minidocker", "run", "--name", "x", "--rm", "b"], ["box"]),
        (["minidocker", "run", "--name", ""], []),  # a value: no word of ours
        (["minidocker", "run", "base", "l"], []),
        (["minidocker", "completion", ""], ["bash", "fish", "zsh"]),
        (["docker", "inspe"], ["inspect"]),
    ):
        assert complete(tmp_path, found, *line) == offered, line
    assert not (tmp_path / "here").exists()  # a name that bash would expand


def test_all_three_name_every_option_once(found: list[Word]) -> None:
    texts = {name: write(found) for name, write in shells.WRITERS.items()}
    for text in texts.values():
        assert text.startswith(("# made by: minidocker completion", "#compdef minidocker"))
    for path, word in shells.every(found):
        assert f"'{path}')" in texts["bash"]
        assert f"_minidocker_{path.replace(' ', '_').replace('-', '_')}() {{" in texts["zsh"]
        for option in word.options:
            for name in option.names:
                plain = f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                assert plain in texts["fish"] and name in texts["zsh"]


def test_help_with_marks_of_a_shell_is_only_text(tmp_path: Path) -> None:
    nasty = 'it\'s [a] $(touch x) `y` \\ : "z"\nand more'
    one = [Word("word", nasty, [Option(["-o", "--opt"], "A:B", nasty)], [], ["containers"])]
    assert "it'\\''s \\[a\\] $(touch x)" in shells.zsh(one)
    assert "'it\\'s [a] $(touch x) `y` \\\\ : \"z\" and more'" in shells.fish(one)
    for shell in ("bash", "zsh", "fish"):
        (tmp_path / shell).write_text(shells.WRITERS[shell](one))
        if shutil.which(shell):
            subprocess.run([shell, "-n", str(tmp_path / shell)], check=True)
