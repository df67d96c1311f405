"""The README's map of the course and its pictures say what the manifests say.

    .venv/bin/python tests/course/test_readme.py     writes them anew
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- course map: written by `python tests/course/test_readme.py` from the manifests -->\n"
END = "<!-- end of the course map -->\n"


def course_table() -> str:
    """Return the README's table: one line a lesson."""
    from minidocker.course import manifest

    course = manifest.load(ROOT)
    lines = [
        f"| {lesson.number} | [{lesson.title}]({lesson.notebook}) | {lesson.question} | "
        f"{lesson.minutes} minutes, {lesson.points} points |"
        for lesson in course.lessons
    ]
    return "\n".join(["| | lesson | its question | |", "|---|---|---|---|", *lines]) + "\n"


def pictures() -> dict[str, str]:
    """Return name → SVG of the README's pictures."""
    from minidocker.course import manifest
    from minidocker.pictures.catalogue import course_map, vm_and_container

    course = manifest.load(ROOT)
    lessons = [(item.id, item.title) for item in course.lessons]
    # Any machine draws the same: no kernel is named, and the names inside the file are fixed.
    drawn = {
        "course_map": course_map("", lessons),
        "vm_and_container": vm_and_container(host="Linux"),
    }
    return {name: settled(picture.svg(), name) for name, picture in drawn.items()}


def settled(svg: str, name: str) -> str:
    """Replace the random part of a picture's element names by its own name."""
    return re.sub(r"mdp[0-9a-f]{8}", f"mdp-{name}", svg).rstrip() + "\n"


def map_in_readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]


HELP = "run: .venv/bin/python tests/course/test_readme.py"


def test_the_map_is_the_manifest() -> None:
    assert map_in_readme() == course_table(), HELP


def test_the_pictures_are_those_that_the_code_draws() -> None:
    for name, svg in pictures().items():
        assert (ROOT / "docs" / f"{name}.svg").read_text(encoding="utf-8") == svg, HELP


def test_the_figures_of_an_ordinary_user_are_the_manifests() -> None:
    from minidocker.course import manifest

    course = manifest.load(ROOT)
    some, every = course.checks_for("one id", "ids"), course.checks_for(*manifest.USERS)
    assert figures() in (ROOT / "README.md").read_text(encoding="utf-8"), HELP
    groups = course.checks_for("cgroups")
    assert some >= 0.9 * (every - groups)  # nine tenths of what needs no cgroup


def test_every_link_leads_somewhere() -> None:
    for file in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / file).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / target).exists(), f"{file} links to {target}"


def figures() -> str:
    """How many checks an ordinary user can have, as the README says it."""
    from minidocker.course import manifest

    course = manifest.load(ROOT)
    some, every = course.checks_for("one id", "ids"), course.checks_for(*manifest.USERS)
    one = course.checks_for("one id")
    return f"{some} of the {every} checks with subordinate ids, {one} with one id alone"


def main() -> None:
    """Write the map, the figures and the pictures."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    text = re.sub(r"\d+ of the \d+ checks with subordinate ids, \d+ with one id alone", figures(), text)
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(before + BEGIN + course_table() + END + after, encoding="utf-8")
    for name, svg in pictures().items():
        (ROOT / "docs" / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
