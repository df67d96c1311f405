"""Which functions of the learner's have served: called apart from us, and noted by us."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from minidocker.errors import MinidockerError
from minidocker.runtime import used
from minidocker.runtime.adopt import adopt
from minidocker.runtime.apart import LONGEST, Own
from minidocker.stages.uts import Uts

FILE = '''
import os, sys
COUNT = []

def twice(word):
    COUNT.append(word)
    print("said", word)
    return [word * 2, len(COUNT), os.getpid()]

def raises(): raise ValueError("no such layer")
def exits(): os._exit(3)
def floods(): return "x" * (2 << 20)
def object_(): return {1, 2}
def opened(): return sorted(int(n) for n in os.listdir("/proc/self/fd") if int(n) > 2)

def leaves_a_process():
    if not os.fork():
        import time
        time.sleep(60)
    return "done"

def set_hostname(kernel, name): kernel.sethostname(name)
'''


@pytest.fixture
def own(tmp_path: Path) -> Any:
    """Make a function of a learner's file, by its name; notes are kept in tmp_path."""
    file = tmp_path / "12_layers.py"
    file.write_text(FILE)
    used.serving(str(tmp_path), "build", "app")
    yield lambda name: Own(name, str(file))
    used.end()


def test_it_is_called_in_a_process_of_its_own(own: Any, capfd: Any) -> None:
    first, second = own("twice")("ab"), own("twice")("cd")
    assert first[:2] == ["abab", 1] and second[:2] == ["cdcd", 1]
    assert os.getpid() not in (first[2], second[2])
    out, err = capfd.readouterr()
    assert (out, err) == ("", "said ab\nsaid cd\n"), "standard output is for programs"


@pytest.mark.parametrize(
    ("name", "words"),
    [("raises", "ValueError: no such layer"), ("exits", "no answer"), ("floods", "no answer"),
     ("object_", "not JSON serializable"), ("missing", "no answer")],
)  # fmt: skip
def test_what_goes_wrong_is_one_sentence(own: Any, name: str, words: str) -> None:
    with pytest.raises(MinidockerError) as caught:
        own(name)()
    assert words in caught.value.message and name in caught.value.message
    assert "minidocker grade" in caught.value.remedy


def test_it_sees_nothing_that_is_open_here(own: Any, tmp_path: Path) -> None:
    with open(tmp_path / "secret", "w") as file:
        os.set_inheritable(file.fileno(), True)
        found = own("opened")()
    assert file.name and len(found) <= 2, "the pipe, and the directory that it reads"


def test_nobody_waits_for_what_it_leaves_behind(own: Any) -> None:
    began = time.monotonic()
    assert own("leaves_a_process")() == "done"
    assert time.monotonic() - began < 30


def test_each_call_is_noted(own: Any, tmp_path: Path) -> None:
    own("twice")("a")
    with pytest.raises(MinidockerError):
        own("raises")()
    found = list(used.notes(str(tmp_path)))
    assert [(one["function"], one["by"], one["for"], one["pid"]) for one in found] == [
        ("twice", "build", "app", os.getpid()), ("raises", "build", "app", os.getpid()),
    ]  # fmt: skip
    assert found[0]["file"].endswith("12_layers.py")
    assert (tmp_path / used.FILE).stat().st_mode & 0o777 == 0o600


def test_the_parts_of_a_stage_are_noted_too(own: Any, tmp_path: Path) -> None:
    file = str(tmp_path / "12_layers.py")
    used.serving(str(tmp_path), "run", "1a2b")
    stage = adopt(Uts, ["set_hostname"], file)()

    class Kernel:
        def sethostname(self, name: str) -> None:
            self.name = name

    kernel = Kernel()
    stage.set_hostname(kernel, "box")  # type: ignore[attr-defined]
    assert kernel.name == "box"
    (found,) = used.notes(str(tmp_path))
    assert (found["function"], found["by"], found["for"]) == ("set_hostname", "run", "1a2b")


def test_damaged_lines_and_links_are_left_out(own: Any, tmp_path: Path) -> None:
    with open(tmp_path / used.FILE, "ab") as file:
        file.write(b'{"func\n[]\n{"function": 7}\n\xff\n')
    own("twice")("a")
    assert [one["function"] for one in used.notes(str(tmp_path))] == ["twice"]
    other = tmp_path / "other"
    other.mkdir()
    (other / used.FILE).symlink_to(tmp_path / used.FILE)
    used.serving(str(other), "run", "x")
    own("twice")("a")
    assert list(used.notes(str(other))) == []
    assert LONGEST < 2 << 20
