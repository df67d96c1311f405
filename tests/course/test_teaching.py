"""docs/teaching.md says what the manifests and the catalogue say, and its cards fit every message.

    .venv/bin/python tests/course/test_teaching.py     writes its tables anew
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/teaching.md"
HELP = "run: .venv/bin/python tests/course/test_teaching.py"

# What a message is about, by its words, the first that fits; and three questions for who reads it.
CARDS: list[tuple[str, str, tuple[str, str, str]]] = [
    ("the file itself", r"not valid Python|is not defined|must be written in|cannot be judged|not started|holds in the example",
     ("Which file does the message name, and is it the one that you saved?",
      "What does the line that it names say, read aloud?",
      "Which name does the check look for, letter by letter?")),
    ("an order of steps", r"_ORDER|In this order",
     ("What must already be there when this step is done?",
      "Who or what takes effect only for those that are born later?",
      "Which step takes away what another one still needs?")),
    ("in a network", r"eth0|bridge|cable|gateway|127\.0\.0\.1|lease|[Pp]ort |address|host's links|rules of others",
     ("Draw the cable, its two ends and the bridge: which end is in which namespace?",
      "At which of these does the packet arrive last, and how can you see it there?",
      "Which table decides where it goes next: links, addresses, routes or rules?")),
    ("in a layer's archive", r"layer tar|archive|\.wh\.|hard link|opaque mark|layer says|layer made anew|the kernel showed it with|^The tree is not|layer on top|apply_layer|upper (?:layer|directory)|merged tree|layer wins",
     ("List the archive, and the upper directory beside it: which line differs?",
      "What does the kernel show for that name: a file, a device, an attribute?",
      "In which order are the two read by whoever puts the tree together again?")),
    ("it never comes back", r"loops|waits|was not done|busy|does not sleep|asks instead|still alive|did not return|zombies|does not end|woke",
     ("What is the last line that was reached, and how do you know?",
      "Who would have to do something so that it goes on?",
      "What does a process get from the kernel when it asks and nothing is there yet?")),
    ("who runs what", r"never call|caller's own process|returned in two|ended its process|not a child|number 1|first there|was there first|process 1|first child|other process|another process|calls? itself|made \{count\}|did not become",
     ("Draw the processes as boxes: who has forked whom?",
      "In which box is this line executed?",
      "What does fork give back in each of the two boxes?")),
    ("seen outside, too", r"everybody|outside|of the host|the host|caller itself|climbed|old root|stayed where|travel|peer group|beside|of others|not published|too\.|other clocks|must only|other .*kept|nobody asked|only the",
     ("Whose view was to change, and who else has the same view?",
      "At which moment does this process stop sharing it?",
      "How can you look at it from a second terminal while it runs?")),
    ("the kernel said no", r"refused|refuses|does not mount|was refused|fails",
     ("Which call was it, and what is the name of its error?",
      "What does its man page say under ERRORS for that name?",
      "What did the line before it leave behind?")),
    ("an answer about others", r"does not agree|wrong verdict|wrong result|wrong reason|wrong process|must raise|does not tell|not see|returned|wrong exit|gives a wrong|wrong numbers|wrong order|not found|right numbers",
     ("For which input is it wrong, and what would you say by hand?",
      "Where does the kernel say it: which file, which field of it?",
      "What does your code do when there is none, or two of them?")),
    ("rights, masks and filters", r"capabilit|setuid|filter|umask|permissions|ordinary user|masked|mask_paths|inheritable|call by|refuse each|[Ss]omebody can|can still write|still gives",
     ("Who is the process at this moment: which ids, which capabilities?",
      "What would be the first call that must not work any more?",
      "From which moment on does the rule hold, and who was there before it?")),
    ("in the wrong place", r"namespace|cgroup|root director|root mount|not the directory|new root|wrong ids|tree at the target|name[s]? that set",
     ("In which namespace, cgroup or root is the process, and where do you read that?",
      "In which one was it when the line before was done?",
      "Does this call move the caller, or only who is born afterwards?")),
    ("something is missing, or left over", r".",
     ("What did you ask for, word by word, and what is there now?",
      "Which command shows it from outside?",
      "Who should have made it, and who should have taken it away?")),
]  # fmt: skip


def family(message: str) -> str:
    """The card of a message."""
    return next(name for name, words, _ in CARDS if re.search(words, message))


def course():
    from minidocker.course.manifest import load

    return load(ROOT)


def lessons() -> str:
    """The table of the lessons."""
    lines = ["| | its question | minutes, points | mistakes of the catalogue, three of them | ask |",
             "|---|---|---|---|---|"]  # fmt: skip
    for lesson in course().lessons:
        found = [re.match(r"# mistake: (.+)", path.read_text().splitlines()[0])
                 for path in sorted((ROOT / "tests/wrong" / lesson.id).glob("*.py"))]  # fmt: skip
        mistakes = [one[1] for one in found if one]
        step = max(1, len(mistakes) // 3)
        shown = "; ".join(mistakes[::step][:3])
        lines.append(f"| {lesson.number} | {lesson.question} | {lesson.minutes}, {lesson.points} | "
                     f"{shown} | {lesson.why} |")  # fmt: skip
    return "\n".join(lines) + "\n"


def cards() -> str:
    """The cards, each with the codes of the messages that it is for."""
    codes: dict[str, list[str]] = {name: [] for name, _, _ in CARDS}
    for code, message in sorted(course().messages.items()):
        if code not in ("MD9009", "MD9011"):  # the grader's own fault; blocked: no mistake of theirs
            codes[family(message)].append(code[2:])
    said = []
    for name, _, questions in CARDS:
        said += [f"**{name[0].upper()}{name[1:]}**", ""]
        said += [f"{number}. {question}" for number, question in enumerate(questions, 1)]
        said += ["", f"*MD* {' '.join(codes[name])}", ""]
    return "\n".join(said)


TABLES = {"lessons": lessons, "cards": cards}


def written(name: str, text: str) -> tuple[str, str, str]:
    """What stands before a table, the table, and what stands after it."""
    begin = f"<!-- {name}: written by `python tests/course/test_teaching.py` -->\n"
    end = f"<!-- end of the {name} -->"
    before, _, rest = text.partition(begin)
    table, _, after = rest.partition(end)
    return before + begin, table, end + after


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_say_what_the_course_says(name: str) -> None:
    _, table, after = written(name, PAGE.read_text(encoding="utf-8"))
    assert after.count("\n") > 5
    assert table == TABLES[name](), HELP


def test_every_card_has_messages_and_no_answer() -> None:
    found = [family(message) for message in course().messages.values()]
    for name, _, questions in CARDS:
        assert found.count(name) >= 5, name
        assert all(question.endswith("?") for question in questions) and len(set(questions)) == 3
    assert found.count(CARDS[-1][0]) < len(found) / 3  # the last one fits all: it is for few


def test_the_words_of_the_class_file_are_those_that_are_read() -> None:
    from minidocker.classroom import classfile, new

    source = Path(classfile.__file__).read_text()
    words = set(re.findall(r'"(\w+)": (?:str|list|dict|int|\(int, float\)|dt\.datetime)', source))
    page = PAGE.read_text().split("## The class file")[1].split("## Each lesson")[0]
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]*`", page))))
    assert words >= {"login", "weight", "salt"}
    assert words - {"lesson", "student", "pair", "late", "show"} <= told
    assert "docs/teaching.md" in Path(new.__file__).read_text()


def test_every_command_of_the_page_is_a_command() -> None:
    from minidocker.verbs import class_of

    helped = class_of.AFTER + Path(class_of.__file__).read_text()
    for word in set(re.findall(r"minidocker class (\w+)", PAGE.read_text())):
        assert f'"{word}"' in helped, word


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    text = PAGE.read_text(encoding="utf-8")
    for name, make in TABLES.items():
        before, _, after = written(name, text)
        text = before + make() + after
    PAGE.write_text(text, encoding="utf-8")
