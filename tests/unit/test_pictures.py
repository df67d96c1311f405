"""Pictures: well-formed, with a text alternative, and with every fact in the text as well."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
from recorded_proc import NS, make

from minidocker.pictures import (
    catalogue,
    diagrams,
    filter_chart,
    namespace_table,
    process_trees,
    svg,
)
from minidocker.pictures.picture import Picture
from minidocker.proc.processes import NAMESPACES

LESSONS = [(f"{n:02d}_lesson", f"Lesson <{n}> & more") for n in range(16)]


def parse(picture: Picture) -> ElementTree.Element:
    """Parse the SVG and check what every picture must have."""
    root = ElementTree.fromstring(picture.svg())
    name = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{name}svg" and root.get("role") == "img"
    title, desc = root.find(f"{name}title"), root.find(f"{name}desc")
    assert title is not None and title.text and desc is not None and desc.text
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    return root


def words(root: ElementTree.Element) -> list[str]:
    return [item.text or "" for item in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture
def procfs(tmp_path: Path) -> str:
    """A host with one container of four processes, one of them a zombie, one a level deeper."""
    boxed = {**NS, "pid": 42, "mnt": 43}
    make(tmp_path, 1, "systemd", 0, command=b"/sbin/init\0")
    for pid, ppid in ((50, 1), (60, 50), (70, 60)):
        make(tmp_path, pid, "shell", ppid, command=b"sh\0-c\0PASSWORD=secret run\0")
    make(tmp_path, 100, "init", 70, nspid="100\t1", command=b"/bin/init\0<&>\0", ns=boxed)
    make(
        tmp_path, 101, "gone", 100, "Z (zombie)", "101\t2", b"", ns={"pid": 42, "user": NS["user"]}
    )
    make(tmp_path, 102, "inner", 100, nspid="102\t3\t1", ns={**boxed, "pid": 77})
    make(tmp_path, 103, "exec", 60, nspid="103\t9", command=b"new\nline\0\xff\0", ns=boxed)
    make(tmp_path, 200, "other", 1)
    (tmp_path / "self").symlink_to("200")
    return str(tmp_path)


def test_both_trees_hold_the_same_processes(procfs: str) -> None:
    picture = catalogue.process_trees(100, procfs)
    parse(picture)
    rows = {row[0]: row for row in picture.rows}
    assert set(rows) == {"1", "50", "60", "70", "100", "101", "102", "103"}
    assert [rows[pid][1] for pid in ("100", "101", "102", "103")] == ["1", "2", "3", "9"]
    assert rows["102"][2] == "102 3 1"
    assert rows["101"][3] == "zombie"
    assert rows["1"][1] == "not visible"
    assert "200" not in rows  # it has nothing to do with this container


def test_every_number_is_drawn_on_both_sides(procfs: str) -> None:
    drawn = words(parse(catalogue.process_trees(100, procfs)))
    for host, inner in (("100", "1"), ("101", "2"), ("102", "3"), ("103", "9")):
        assert host in drawn and inner in drawn
    assert "cannot be seen from here" in drawn
    assert any("deeper: 1" in item for item in drawn)


def test_the_starter_leads_to_the_container(procfs: str) -> None:
    assert catalogue.process_trees(70, procfs).rows == catalogue.process_trees(100, procfs).rows


def test_arguments_of_processes_outside_stay_private(procfs: str) -> None:
    picture = catalogue.process_trees(100, procfs)
    assert "secret" not in picture.text() + picture.html()


@pytest.mark.parametrize(
    "command",
    [
        b"/usr/bin/python3\0/venv/bin/minidocker\0run\0-e\0K=secret\0",
        b"python\0-m\0minidocker\0run\0",
    ],
)
def test_our_own_command_is_named(procfs: str, command: bytes) -> None:
    Path(procfs, "70", "cmdline").write_bytes(command)
    rows = {row[0]: row for row in catalogue.process_trees(100, procfs).rows}
    assert rows["70"][4].strip() == "minidocker run"


def test_a_process_without_a_container_is_refused_in_words(procfs: str) -> None:
    with pytest.raises(LookupError, match="no pid namespace of their own"):
        catalogue.process_trees(200, procfs)
    with pytest.raises(LookupError, match="no process 999"):
        catalogue.process_trees(999, procfs)


def test_what_does_not_fit_stands_in_the_table(procfs: str) -> None:
    picture = catalogue.process_trees(100, procfs, limit=3)
    drawn = words(parse(picture))
    assert any(re.search(r"and \d+ more", item) for item in drawn)
    assert len(picture.rows) > 3


def test_the_namespace_table_says_mine_own_and_as(procfs: str) -> None:
    picture = catalogue.namespace_table(
        [100, 102, 101, 404], ["web", "deep", "dead", "none"], procfs
    )
    root = parse(picture)
    assert picture.columns == ("namespace", "me", "web", "deep", "dead", "none")
    rows = {row[0]: row[1:] for row in picture.rows}
    assert tuple(rows) == NAMESPACES
    assert rows["pid"] == (f"mine {NS['pid']}", "own 42", "own 77", "as web 42", "has ended")
    assert rows["mnt"] == (f"mine {NS['mnt']}", "own 43", "as web 43", "given up", "has ended")
    assert rows["user"][1].startswith("mine")
    for word in ("mine", "own", "as web", "given up", "has ended"):
        assert word in words(root)


def right_edge(root: ElementTree.Element) -> float:
    """Return how far to the right the words of a picture reach, as far as can be told."""
    edges = []
    for item in root.iter("{http://www.w3.org/2000/svg}text"):
        mono = "mono" in (item.get("class") or "")
        width = svg.measure(item.text or "", float(item.get("font-size") or 13), mono)
        share = 0.5 if item.get("text-anchor") == "middle" else 1
        edges.append(float(item.get("x") or 0) + width * share)
    return max(edges)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 9])
def test_no_words_leave_the_table(procfs: str, count: int) -> None:
    picture = catalogue.namespace_table(([100, 102] * 5)[:count], ["a long label"] * count, procfs)
    assert right_edge(parse(picture)) <= picture.width


def test_no_words_leave_the_other_pictures(procfs: str) -> None:
    figures = [("a long name of what was measured here" * 3, "x" * 90, "y" * 90)]
    titles = [(number, "Long words that never want to end " * 4) for number, _ in LESSONS]
    for picture in (
        catalogue.process_trees(100, procfs),
        catalogue.course_map("05", titles, done=[number for number, _ in LESSONS]),
        catalogue.vm_and_container(figures, host="6" * 80, guest="6" * 80),
    ):
        assert right_edge(parse(picture)) <= picture.width


def test_an_unreadable_process_is_a_column(procfs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = namespace_table.processes.namespaces

    def refuse(pid: int | str, root: str) -> dict[str, int]:
        if pid == 1:
            raise PermissionError(13, "no")
        return real(pid, root)

    monkeypatch.setattr(namespace_table.processes, "namespaces", refuse)
    picture = catalogue.namespace_table([1], ["init"], procfs)
    assert {row[2] for row in picture.rows} == {"no access"}


def test_labels_must_match_the_pids(procfs: str) -> None:
    with pytest.raises(ValueError, match="one label for each pid"):
        catalogue.namespace_table([1, 100], ["only one"], procfs)


def test_the_map_lights_one_lesson_and_holds_all() -> None:
    picture = catalogue.course_map("01_pid", LESSONS, done=["00"])
    drawn = words(parse(picture))
    assert drawn.count("you are here") == 1 and drawn.count("done") == 1
    assert [row[0] for row in picture.rows] == [f"{n:02d}" for n in range(16)]
    assert [row[2] for row in picture.rows[:3]] == ["done", "you are here", "to come"]
    for sentence, kernel_word, _ in diagrams.SENTENCES:
        assert sentence in drawn and kernel_word in drawn


def test_the_map_says_that_the_lesson_you_are_in_is_done() -> None:
    picture = catalogue.course_map("01", LESSONS, done=["00", "01"])
    assert picture.rows[1][2] == "you are here; it is done"


def test_every_lesson_stands_in_one_sentence() -> None:
    numbers = [number for _, _, taught in diagrams.SENTENCES for number in taught]
    assert sorted(numbers) == [f"{n:02d}" for n in range(16)]


def test_the_map_of_a_part_of_the_course_has_that_part() -> None:
    picture = catalogue.course_map("00", LESSONS[:2])
    assert len(picture.rows) == 2
    parse(picture)


def test_a_lesson_that_the_map_does_not_know_is_drawn_all_the_same() -> None:
    picture = catalogue.course_map("", [*LESSONS, ("16_more", "Something new")])
    assert "Something new" in words(parse(picture))
    assert picture.rows[-1][0] == "16"


def test_processes_of_another_user_are_a_permission_error(
    procfs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = process_trees.processes.namespace

    def refuse(pid: int | str, name: str, root: str) -> int:
        if pid != "self":
            raise PermissionError(13, "may not be read")
        return real(pid, name, root)

    monkeypatch.setattr(process_trees.processes, "namespace", refuse)
    with pytest.raises(PermissionError):
        catalogue.process_trees(100, procfs)


def test_vm_and_container_shows_the_figures_that_are_given() -> None:
    figures = [("start", "18 s (TCG)", "0.02 s"), ("memory", "180 MB", "1 MB")]
    picture = catalogue.vm_and_container(figures, host="6.18.1", guest="6.1.0")
    drawn = words(parse(picture))
    for word in ("18 s (TCG)", "1 MB", "host kernel 6.18.1", "6.1.0", "engine", "guest kernel"):
        assert word in drawn
    assert "VM 180 MB; container 1 MB" in picture.text()
    parse(catalogue.vm_and_container())


def test_a_notebook_gets_html_svg_and_text(procfs: str, tmp_path: Path) -> None:
    picture = catalogue.process_trees(100, procfs)
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    assert bundle["text/html"].count("<tr>") == len(picture.rows) + 1
    assert picture._repr_svg_().startswith("<svg xmlns=")
    assert str(picture) == picture.text()
    picture.save(str(tmp_path / "picture.svg"))
    ElementTree.parse(tmp_path / "picture.svg")


def test_without_trust_the_table_stands_alone() -> None:
    """JupyterLab takes <style> and the svg's tags out of what it does not trust, not the words."""
    page = catalogue.course_map("", LESSONS).html()
    name = re.search(r'<div id="(\w+)" hidden="hidden"><svg', page)
    assert name and f"#{name[1]}{{display:block!important}}" in page
    assert page.index("</svg></div>") < page.index("<details>")


def test_two_pictures_on_a_page_have_ids_of_their_own() -> None:
    page = catalogue.course_map("", LESSONS).html() + catalogue.vm_and_container().html()
    found = re.findall(r'id="([^"]+)"', page)
    assert len(found) == len(set(found)) == 8


@pytest.mark.parametrize("words_", ["a" * 200, "日本語" * 40, "x\0y\x1b[31m\udcff", "<&>\"'"])
@pytest.mark.parametrize("mono", [True, False])
def test_text_is_cut_to_fit_and_clean(words_: str, mono: bool) -> None:
    short = svg.fit(words_, 100, 12, mono)
    assert svg.measure(short, 12, mono) <= 100
    canvas = svg.Canvas()
    canvas.fitted(0, 0, words_, 100, "mono" if mono else "")
    picture = Picture("t", "d", ("c",), [(words_,)], canvas, (100, 20))
    parse(picture)
    picture.svg().encode("utf-8")
    assert all(letter.isprintable() for letter in picture.text().replace("\n", ""))


def test_wrap_keeps_words_whole_where_it_can() -> None:
    assert svg.wrap("Hardening: capabilities and seccomp", 160, 12) == [
        "Hardening: capabilities",
        "and seccomp",
    ]
    assert svg.wrap("", 100, 12) == []
    assert svg.wrap("one two three four five six", 60, 12)[-1].endswith("…")


def contrast(one: str, two: str) -> float:
    """Return the contrast of two colours, as WCAG 2 defines it."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((light(one), light(two)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("paper", ["#ffffff", "#212121", "#111111", "#1c2128"])
def test_accents_are_seen_on_light_and_dark_paper(paper: str) -> None:
    assert min(contrast(colour, paper) for colour in svg.ACCENTS.values()) >= 3


FILTER = [(0x20, 0, 0, 4), (0x15, 1, 0, 0xC000003E), (0x06, 0, 0, 0x80000000), (0x20, 0, 0, 0),
          (0x35, 0, 1, 0x40000000), (0x06, 0, 0, 0x00050026), (0x05, 0, 0, 1), (0x99, 0, 0, 7),
          (0x06, 0, 0, 0x7FFF0000)]  # fmt: skip


def test_a_filter_is_drawn_with_every_way_through_it() -> None:
    picture = filter_chart.filter_chart(FILTER)
    rows = [[words, goes] for _, words, goes in picture.rows]
    assert rows == [
        ["load the architecture", "→ 1"], ["is it x86_64?", "yes → 3, no → 2"],
        ["kill the process", "the end"], ["load the number of the call", "→ 4"],
        ["is it 0x40000000 or more?", "yes → 5, no → 6"], ["refuse: ENOSYS", "the end"],
        ["go on further down", "→ 8"], ["instruction 0x99, 0x7", "→ 8"], ["allow", "the end"],
    ]  # fmt: skip
    drawn = words(parse(picture))
    assert set(drawn) >= {row[0] for row in rows} | {"yes", "no"}
    packed = b"".join(struct.pack("=HBBI", *row) for row in FILTER)
    assert filter_chart.filter_chart(packed).rows == picture.rows


def test_a_long_filter_is_drawn_in_part_and_says_so() -> None:
    picture = filter_chart.filter_chart([(0x06, 0, 0, 0)] * 100)
    assert "… and 40 more" in words(parse(picture))
