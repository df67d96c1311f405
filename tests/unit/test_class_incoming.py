"""What is handed in: whose it is, and what an enemy's archive can do to who reads it (nothing)."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest

from minidocker.classroom import archives, filenames, incoming, platforms
from minidocker.classroom.archives import Damaged
from minidocker.classroom.classfile import Class, Part, Student
from minidocker.course.manifest import load
from minidocker.lab import sayings

LESSONS = load(Path(__file__).resolve().parents[2]).lessons[:2]
ROOM = Class(
    Path("."), "", "", tuple(map(Part, LESSONS)),
    (Student("ada", "Ada Lovelace", "ada@x", ("4711",)), Student("zoë", "Zoë Ångström")),
)  # fmt: skip
PID = "01_pid.py"


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def handed(path: Path) -> dict[str, dict[str, str]]:
    """Login or name → lesson → the text, or why there is none."""
    found = {}
    for one in incoming.find([path], ROOM):
        files = incoming.open_one(one, LESSONS)["files"]
        found[one.login or f"?{one.name}"] = {k: v["text"] or v["why"] for k, v in files.items()}
    return found


@pytest.mark.parametrize(
    "names",
    [
        ["lovelaceada_4711_99_01_pid.py", "ngstrmzo_LATE_5_98_01_pid-2.py"],
        ["Ada Lovelace_1_assignsubmission_file_/01_pid.py",
         "Zoë Ångström_2_assignsubmission_file_/x/01_pid.py"],
        ["Ada Lovelace_1_assignsubmission_file_01_pid.py",
         "Zoë Ångström_2_assignsubmission_file_01_pid.py"],
        ["Lab 1_2_ada_attempt_2026-11-20-13-45-12_01_pid.py",
         "Lab 1_2_zoë_attempt_2026-11-20-13-45-13_01_pid (2).py"],
        ["ADA/exercises/01_pid.py", unicodedata.normalize("NFD", "zoë/01_pid (1).py")],
        ["export/ada@x/01_pid.py", "export/zoë/01_PID.py.txt"],
    ],
    ids=["canvas", "moodle-folders", "moodle-files", "blackboard", "folders", "odd-names"],
)  # fmt: skip
def test_the_zip_of_a_platform_is_told_apart(tmp_path: Path, names: list[str]) -> None:
    path = zipped(tmp_path / "all.zip", {name: f"n = {n}\n".encode() for n, name in enumerate(names)})
    found = handed(path)
    first, second = sorted(found)
    assert (first, found["ada"]) == ("ada" if second != "ada" else first, {"01_pid": "n = 0\n"})
    other = next(name for name in found if name != "ada")
    assert found[other] == {"01_pid": "n = 1\n"}
    assert other == "zoë" or names[0].startswith("lovelaceada")  # Canvas drops what is not ASCII


@pytest.mark.parametrize("folder", [False, True])
def test_of_blackboards_attempts_the_last_is_judged(tmp_path: Path, folder: bool) -> None:
    inner = zipped(tmp_path / "inner.zip", {"x/01_pid.py": b"last = 3\n"}).read_bytes()
    files = {
        "Lab_ada_attempt_2026-11-20-23-00-00_01_pid.py": b"first = 1\n",
        "Lab_ada_attempt_2026-11-20-23-00-00.txt": b"Name: Ada Lovelace (ada)\n",
        "Lab_ada_attempt_2026-11-22-09-00-00_work.zip": inner,
        "Lab_ada_attempt_2026-11-21-09-00-00_01_pid.py": b"second = 2\n",
        "Lab_zoë_attempt_2026-99-99-99-99-99_01_pid.py": b"z = 1\n",
    }
    path = tmp_path / "in"
    if folder:
        path.mkdir()
        for name, data in files.items():
            (path / name).write_bytes(data)
    else:
        path = zipped(tmp_path / "all.zip", files)
    ada, zoe = incoming.find([path], ROOM)
    assert (ada.login, zoe.login) == ("ada", "zoë")
    assert ada.submitted.startswith("2026-11-22T09:00:00") and zoe.submitted == ""
    told = incoming.open_one(ada, LESSONS)
    assert told["files"]["01_pid"]["text"] == "last = 3\n"
    assert len(told["notes"]) == 2  # the others are named, and not judged
    (bare,) = (one for one in incoming.find([path], Class(Path("."), "", "", ROOM.parts, ()))
               if "ada" in one.name)  # fmt: skip
    assert bare.login == "ada"



@pytest.mark.parametrize("packed", [True, False])
def test_an_online_text_of_moodle_is_no_second_submission(tmp_path: Path, packed: bool) -> None:
    names = ["Ada Lovelace_1_assignsubmission_file_/01_pid.py",
             "Ada Lovelace_1_assignsubmission_onlinetext_/onlinetext.html",
             "Zoë Ångström_2_assignsubmission_file_01_pid.py",
             "Zoë Ångström_2_assignsubmission_onlinetext_onlinetext.html"]  # fmt: skip
    path = zipped(tmp_path / "all.zip", dict.fromkeys(names, b"n = 1\n"))
    if not packed:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "all")
        path = tmp_path / "all"
    assert handed(path) == {"ada": {"01_pid": "n = 1\n"}, "zoë": {"01_pid": "n = 1\n"}}


@pytest.mark.parametrize("packed", [True, False])
def test_files_that_lie_flat_are_told_apart_by_their_names(tmp_path: Path, packed: bool) -> None:
    files = {"ada_01_pid.py": b"n = 1\n", "Ada_00_what_is_a_container.py": b"n = 0\n",
             "01-pid-zoë.py": b"n = 2\n", "01_pid.py": b"nobody = 3\n", "Thumbs.db": b"x"}  # fmt: skip
    path = zipped(tmp_path / "all.zip", files)
    if not packed:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "all")
        path = tmp_path / "all"
    assert handed(path) == {
        "ada": {"01_pid": "n = 1\n", "00_what_is_a_container": "n = 0\n"},
        "zoë": {"01_pid": "n = 2\n"}, "?01_pid": {"01_pid": "nobody = 3\n"},
    }  # fmt: skip
    own = tmp_path / "4711"  # in a student's own folder such names are hers
    own.mkdir()
    (own / "01_pid_zoë.py").write_bytes(b"n = 4\n")
    assert handed(own) == {"ada": {"01_pid": "n = 4\n"}}
    assert handed(zipped(tmp_path / "ada_01_pid.zip", {PID: b"n = 5\n"})) == {"ada": {"01_pid": "n = 5\n"}}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_one_name_twice_in_an_archive_the_later_counts(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
        for text in ("n = 1\n", "n = 2\n"):
            archive.writestr(PID, text)
    with tarfile.open(tmp_path / "zoë.tar", "w") as tar:
        for text in (b"n = 1\n", b"n = 2\n"):
            entry = tarfile.TarInfo(PID)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    for name in ("ada.zip", "zoë.tar"):
        (one,) = incoming.find([tmp_path / name], ROOM)
        told = incoming.open_one(one, LESSONS)
        assert told["files"]["01_pid"]["text"] == "n = 2\n"
        assert told["notes"] == ["01_pid: 01_pid.py was judged, and not an earlier one, which has another text"]


def test_gradescope_says_whose_and_when(tmp_path: Path) -> None:
    said = (
        "submission_7:\n  :submitters:\n  - :name: Ada Lovelace\n    :sid: '4711'\n"
        "    :email: ada@x\n  :created_at: 2026-12-01 10:00:00.000000000 Z\n  :score: 0.0\n"
    )
    path = zipped(tmp_path / "g.zip", {
        "assignment_1_export/submission_7/01_pid.py": b"n = 7\n",
        "assignment_1_export/submission_metadata.yml": said.encode(),
    })  # fmt: skip
    (one,) = incoming.find([path], ROOM)
    assert (one.login, one.submitted[:10]) == ("ada", "2026-12-01")
    assert incoming.open_one(one, LESSONS)["files"]["01_pid"]["text"] == "n = 7\n"
    group = said.replace("  :created_at", "  - :name: Z\n    :email: zoë\n  :created_at")
    (tmp_path / "g/submission_7").mkdir(parents=True)
    (tmp_path / "g/submission_metadata.yml").write_text(group)
    (one,) = incoming.find([tmp_path / "g"], ROOM)
    assert {one.login, *one.others} == {"ada", "zoë"}


def test_a_folder_of_folders_and_archives(tmp_path: Path) -> None:
    (tmp_path / "ada/exercises").mkdir(parents=True)
    (tmp_path / "ada/exercises" / PID).write_text("mine = 1\n")
    (tmp_path / "ada" / PID).write_text("other = 1\n")
    zipped(tmp_path / "zoë.zip", {"course/exercises/01_pid.py": b"z = 1\r\n", "course/solutions/01_pid.py": b"no\n"})
    with tarfile.open(tmp_path / "eve.tgz", "w:gz") as tar:
        entry = tarfile.TarInfo("../../../../01_pid.py")
        entry.size = 6
        tar.addfile(entry, io.BytesIO(b"e = 1\n"))
    (tmp_path / ".DS_Store").write_text("")
    assert handed(tmp_path) == {"ada": {"01_pid": "mine = 1\n"}, "zoë": {"01_pid": "z = 1\n"},
                                "?eve": {"01_pid": "e = 1\n"}}  # fmt: skip
    assert handed(tmp_path / "zoë.zip") == {"zoë": {"01_pid": "z = 1\n"}}


@pytest.mark.parametrize("before", ["./", "../../", "/", "C:\\\\", ".\\\\"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_name_that_leads_elsewhere_is_a_label(tmp_path: Path, before: str, kind: str) -> None:
    """`tar czf x.tar .` and old zips of Windows are no attack; "../" is none that works."""
    sign = "\\" if "\\" in before else "/"
    for top, names in (("ada", [PID]), ("all", [f"ada{sign}{PID}", f"zoë{sign}x{sign}{PID}"])):
        path = tmp_path / f"{top}.{kind}"
        if kind == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                for name in names:
                    entry = zipfile.ZipInfo("x")
                    entry.filename = before + name
                    archive.writestr(entry, b"n = 1\n")
        else:
            with tarfile.open(path, "w") as tar:
                tar.addfile(tarfile.TarInfo(before)) if before == "./" else None
                for name in names:
                    entry = tarfile.TarInfo(before + name)
                    entry.size = 6
                    tar.addfile(entry, io.BytesIO(b"n = 1\n"))
        logins = ["ada", "zoë"] if top == "all" else ["ada"]
        assert handed(path) == {login: {"01_pid": "n = 1\n"} for login in logins}


def test_a_students_own_folders_are_one_submission(tmp_path: Path) -> None:
    """`class grade in/*` names each student's folder, and what lies in it is theirs to order."""
    (tmp_path / "ada/src/deep").mkdir(parents=True)
    (tmp_path / "ada/src/deep" / PID).write_text("n = 1\n")
    (tmp_path / "ada/readme.txt").write_text("")
    assert handed(tmp_path / "ada") == {"ada": {"01_pid": "n = 1\n"}}
    path = zipped(tmp_path / "zoë.zip", {"readme.txt": b"", f"src/{PID}": b"n = 2\n"})
    assert handed(path) == {"zoë": {"01_pid": "n = 2\n"}}


def test_two_files_of_one_lesson_are_said_and_a_notebook_too(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    for name, text in {PID: "n = 1\n", "01_pid (1).py": "n = 2\n", "01_pid-2.py": "n = 1\n",
                       f"{LESSONS[0].id}.ipynb": "{}"}.items():  # fmt: skip
        (tmp_path / "ada" / name).write_text(text)
    (one,) = incoming.find([tmp_path / "ada"], ROOM)
    told = incoming.open_one(one, LESSONS)
    assert told["files"]["01_pid"]["text"] == "n = 1\n"
    assert told["notes"] == [
        "01_pid: 01_pid.py was judged, and not 01_pid (1).py, which has another text"
    ]
    assert f"{LESSONS[0].id}.ipynb" in told["files"][LESSONS[0].id]["why"]


def test_a_folder_that_nobody_may_open_is_not_nothing(tmp_path: Path) -> None:
    """Else its lessons would count as not handed in; to root every folder is open."""
    (tmp_path / "ada/exercises").mkdir(parents=True)
    real = os.open

    def closed(name: str, *rest: int, **how: int) -> int:
        if name == "exercises":
            raise PermissionError(13, "Permission denied", name)
        return real(name, *rest, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", closed)
        with pytest.raises(Damaged, match="exercises cannot"):
            list(archives.of_folder(tmp_path / "ada"))


def test_names_in_older_codes_and_kinds_that_are_not_read(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + "/Zoë Ångström".encode("latin-1"))
    for name in ("ada.rar", "eve.7z", "ada.b"):
        (tmp_path / name).write_bytes(b"?")
    found = incoming.find([tmp_path], ROOM)
    assert [(one.login, one.name) for one in found] == [
        ("ada", "ada"), ("zoë", "zoë"), ("", "ada.b"), ("", "eve")]  # fmt: skip


def test_what_is_no_file_is_said_and_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the host's\n")
    place = tmp_path / "class/ada"
    place.mkdir(parents=True)
    (place / PID).symlink_to(secret)
    os.mkfifo(place / LESSONS[0].file)
    found = handed(tmp_path / "class")
    assert found["ada"] == {"01_pid": "it is a symbolic link",
                            LESSONS[0].id: "it is no regular file"}  # fmt: skip
    path = zipped(tmp_path / "ada.zip", {PID: b"\xff\xfe"})
    assert "UTF-8" in handed(path)["ada"]["01_pid"]
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo(PID)
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(secret))
    assert handed(path)["ada"] == {"01_pid": "it is a symbolic link"}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.symlink_to("/etc"), "symbolic link"),  # nobody looks behind it
        (lambda path: (path.mkdir(), (path / "main.py").write_text("x = 1\n")), "main.py"),
        (lambda path: (path.mkdir(), (path / "01_pid.ipynb").write_text("{}")), "01_pid.ipynb"),
    ],
    ids=["link", "another-name", "notebook"],
)  # fmt: skip
def test_what_nobody_can_judge_has_no_verdict(tmp_path: Path, make, says: str) -> None:
    make(tmp_path / "ada")
    (one,) = incoming.find([tmp_path], ROOM)
    with pytest.raises(Damaged, match=says):
        incoming.open_one(one, LESSONS)
    (tmp_path / "zoë/zoë").mkdir(parents=True)  # nothing handed in, which is a verdict
    assert handed(tmp_path / "zoë") == {"zoë": {}}


def bomb_of_zip(path: Path) -> None:
    zipped(path, {PID: bytes(30 << 20)})


def bomb_of_tar(path: Path) -> None:
    with gzip.open(path, "wb", 1) as file:
        entry = tarfile.TarInfo("zeros")
        entry.size = 1 << 40
        file.write(entry.tobuf() + bytes(1 << 20))


def long_name(path: Path) -> None:
    """A member whose *name* is as large as the memory."""
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    path.write_bytes(entry.tobuf() + bytes(1 << 16))


def many_members(path: Path) -> None:
    zipped(path, {f"{number}": b"" for number in range(archives.MOST_MEMBERS + 1)})


@pytest.mark.parametrize(
    ("make", "name", "says"),
    [
        (bomb_of_tar, "ada.tgz", "larger"),
        (long_name, "ada.tar", "r"),
        (many_members, "ada.zip", "more than"),
        (lambda path: path.write_bytes(b"PK\3\4 and no more"), "ada.zip", "cannot be read"),
        (lambda path: path.write_bytes(b""), "ada.tar", "cannot be read"),
        (lambda path: path.write_bytes(os.urandom(4096)), "ada.tar.xz", "cannot be read"),
    ],
)  # fmt: skip
def test_an_archive_that_is_an_attack_has_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make, name: str, says: str
) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 100)
    make(tmp_path / name)
    (one,) = incoming.find([tmp_path / name], ROOM)
    assert one.login == "ada"
    with pytest.raises(Damaged, match=says):
        incoming.open_one(one, LESSONS)


def test_the_zip_of_a_class_may_hold_a_whole_tree_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Students hand in their clone: 200 times 400 files are no attack, 50,000 of one are."""
    monkeypatch.setattr(archives, "MOST_MEMBERS", 100)
    trees = {f"{login}/{PID}": b"n = 1\n" for login in ("ada", "zoë")}
    trees |= {f"{login}/{number}": b"" for login in ("ada", "zoë", "eve") for number in range(90)}
    trees |= {f"eve/more/{number}": b"" for number in range(90)}
    path = zipped(tmp_path / "all.zip", trees)
    found = {one.login or one.name: one for one in incoming.find([path], ROOM)}
    assert sorted(found) == ["ada", "eve", "zoë"]
    assert "01_pid" in incoming.open_one(found["ada"], LESSONS)["files"]
    with pytest.raises(Damaged, match="more than 100 files"):
        incoming.open_one(found["eve"], LESSONS)
    monkeypatch.setattr(archives, "MOST_OF_CLASS", 200)
    (one,) = incoming.find([path], ROOM)
    assert "name the folder" in one.trouble


def test_a_bomb_costs_its_own_file_only(tmp_path: Path) -> None:
    bomb_of_zip(tmp_path / "ada.zip")
    assert "larger than" in handed(tmp_path / "ada.zip")["ada"]["01_pid"]


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "ada.zip", {PID: b"n = 1\n"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match="encrypted: ask for it without a password"):
        handed(path)


def test_what_kills_the_reader_costs_one_verdict() -> None:
    with pytest.raises(Damaged, match="more than a submission may take"):
        incoming.guarded(lambda: bytearray(8 << 30))
    with pytest.raises(Damaged, match="more than"):
        incoming.guarded(lambda: os.kill(os.getpid(), 9))
    assert incoming.guarded(lambda: [1, "x"]) == [1, "x"]


def test_a_journal_tells_what_was_said_of_docker(tmp_path: Path) -> None:
    (_, first), (_, second), *_ = sayings.SAYINGS
    lines = [
        {"do": "grade", "message": "x"}, {"do": "grade", "message": ""}, {"do": "borrow", "function": "f"},
        {"do": "sayings", "lesson": "00", "answers": {first: "false"}},
        {"do": "sayings", "lesson": "00", "answers": {first: "true", second: "maybe", "<b>": "true"}},
        {"do": "sayings", "lesson": "15", "answers": {first: "half true", second: ["true"]}},
        {"do": "sayings", "lesson": "15", "answers": "all"}, {"do": "sayings"}, 7,
    ]  # fmt: skip
    journal = tmp_path / "ada/.minidocker/progress.jsonl"
    journal.parent.mkdir(parents=True)
    more = "".join(f"{json.dumps({'do': 'edit', 'text': 'x' * 900})}\n" for _ in range(400))  # a term's
    journal.write_text(more + "\n".join(map(json.dumps, lines)) + "\n[[[")
    (tmp_path / "ada" / PID).write_text("n = 1\n")
    (one,) = incoming.find([tmp_path], ROOM)
    told = incoming.open_one(one, LESSONS)
    assert told["journal"] == [2, 1, ["f"]]
    assert told["sayings"] == {"before": {first: "true"}, "after": {first: "half true"}}


def test_labels_are_inert() -> None:
    said = platforms.who("\x1b[2J\u202eevil\n", {}, ROOM)
    assert said.login == "" and said.name.isprintable()


def test_archives_in_archives_are_opened_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, sizes = b"n = 1\n", []
    for depth in range(5):
        (tmp_path / f"{depth}").mkdir()
        path = zipped(tmp_path / f"{depth}/ada.zip", {"work.zip" if depth else PID: data})
        data = path.read_bytes()
        sizes.append(len(data))
    for depth in range(4):
        assert handed(tmp_path / f"{depth}/ada.zip") == {"ada": {"01_pid": "n = 1\n"}}
        if depth < 3:  # in a folder of a class the student's own zip is one, too
            assert handed(tmp_path / f"{depth}") == {"ada": {"01_pid": "n = 1\n"}}
    with pytest.raises(Damaged, match="called as an exercise is"):
        handed(tmp_path / "4/ada.zip")
    monkeypatch.setattr(archives, "MOST_INNER", sizes[1])
    with pytest.raises(Damaged, match="the archives in it are larger"):
        handed(tmp_path / "3/ada.zip")


@pytest.mark.parametrize(
    ("name", "far"),
    [
        (PID, 0), ("01_PID.py", 1), ("01_pid (2).py", 1), ("ada_4711_99_01_pid-3.py", 1),
        ("01_pid.py.txt", 1), ("01-pid.py", 1), ("01_pid - Copy.py", 2), ("01_pid - Kopie (2).py", 2),
        ("01_pid_final.py", 2), ("01_pid\n.py", 2), ("01_pid.txt", 2), ("1_pid.py", 3),
        ("01_pdi.py", 3), ("01_pid.ipynb", 9), ("1_pid.docx", 9),
        ("pid.py", None), ("02_pid.py", None), ("tests/1_pid.py", None), ("x.py", None),
        ("01_pidgin.py", 3), ("mounts.py", None),
    ],
)  # fmt: skip
def test_names_as_people_leave_them(name: str, far: int | None) -> None:
    found = filenames.wanted(name, LESSONS) or filenames.near(name, LESSONS)
    told = (found[0].id, found[1]) if found else None
    assert told == (None if far is None else ("01_pid", far))


def test_a_slip_in_a_name_is_judged_and_said_unless_a_right_name_is_there(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada/1_pid.py").write_text("n = 1\n")
    (one,) = incoming.find([tmp_path / "ada"], ROOM)
    told = incoming.open_one(one, LESSONS)
    assert told["files"]["01_pid"]["text"] == "n = 1\n"
    assert told["notes"] == ["01_pid: 1_pid.py was taken for 01_pid.py"]
    zipped(tmp_path / "ada/work.zip", {PID: b"n = 2\n"})
    told = incoming.open_one(one, LESSONS)
    assert told["files"]["01_pid"]["text"] == "n = 2\n" and not told["notes"]


def test_the_exercise_as_given_is_not_judged_where_a_work_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / PID).write_text("given = 1\r\n")
    (tmp_path / "ada/01_pid (1).py").write_text("mine = 1\n")
    (one,) = incoming.find([tmp_path / "ada"], ROOM)
    told = incoming.open_one(one, LESSONS, {"01_pid": ["given = 1\n"]})
    assert told["files"]["01_pid"]["text"] == "mine = 1\n" and not told["notes"]
    (tmp_path / "ada/01_pid (1).py").unlink()
    told = incoming.open_one(one, LESSONS, {"01_pid": ["given = 1\n"]})
    assert told["files"]["01_pid"]["text"] == "given = 1\n"


def test_nothing_is_told_from_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    (one,) = incoming.find([tmp_path / "ada"], ROOM)
    assert incoming.open_one(one, LESSONS)["notes"] == ["there is nothing in it"]
    (tmp_path / "ada/exercises").symlink_to(tmp_path)
    with pytest.raises(Damaged, match=r"exercises \(it is a symbolic link\)"):
        incoming.open_one(one, LESSONS)
    (tmp_path / "zoë.rar").write_bytes(b"Rar!")
    (one,) = incoming.find([tmp_path / "zoë.rar"], ROOM)
    with pytest.raises(Damaged, match="zip and tar are"):
        incoming.open_one(one, LESSONS)
    deep = b"n = 1\n"
    for _ in range(incoming.DEEPEST + 1):
        deep = zipped(tmp_path / "x.zip", {"in.zip" if deep[:2] == b"PK" else PID: deep}).read_bytes()
    (tmp_path / "zoë.zip").write_bytes(zipped(tmp_path / "x.zip", {"in.zip": deep}).read_bytes())
    (one,) = incoming.find([tmp_path / "zoë.zip"], ROOM)
    with pytest.raises(Damaged, match="in 3 others is not opened"):
        incoming.open_one(one, LESSONS)
    (tmp_path / "ada/exercises").unlink()
    (tmp_path / "ada" / PID).write_text("n = 1\n", encoding="utf-16")
    assert "UTF-16" in handed(tmp_path / "ada")["ada"]["01_pid"]


def test_of_two_submissions_of_one_student_the_better_counts(tmp_path: Path) -> None:
    from minidocker.classroom import marks
    from minidocker.classroom.grading import each_once

    for top in ("a", "b"):
        (tmp_path / top / "ada").mkdir(parents=True)
        (tmp_path / top / "ada" / PID).write_text(f"{top} = 1\n")
    first, second = each_once(incoming.find([tmp_path / "a", tmp_path / "b"], ROOM))
    assert (first.login, second.login, second.others) == ("ada", "", ("ada",))
    (note,) = incoming.open_one(second, LESSONS)["notes"]
    assert "ada has another submission" in note and "the better one counts" in note

    def record(one: incoming.Found, points: int) -> dict:
        checks = [{"id": "x", "outcome": "pass", "points": 4, "earned": points}]
        lessons = [{"id": le.id, "handed_in": True, "checks": checks} for le in LESSONS]
        return {"name": one.name, "login": one.login, "others": list(one.others), "lessons": lessons,
                "submitted": "", "late": False, "remark": ""}  # fmt: skip

    for points in ((1, 4), (4, 1)):
        found = [record(first, points[0]), record(second, points[1])]
        ada, zoe = marks.of_class(ROOM, found, unknown=True)  # and no row for a stranger
        assert ada.total == 1.0 and zoe.record is None
    for at, one in enumerate(found):  # two assignments, a lesson in each
        one["lessons"][at]["handed_in"] = False
    ada, _ = marks.of_class(ROOM, found)
    assert [one.state for one in ada.lessons] == ["judged"] * len(LESSONS)
    assert ada.total == (1 + 4) / 8


def test_a_platforms_zip_and_a_week_that_lie_in_a_folder_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "in/week 2/ada").mkdir(parents=True)
    (tmp_path / "in/week 2/ada" / PID).write_text("n = 1\n")
    (tmp_path / "in/who" / "x").mkdir(parents=True)
    (tmp_path / "in/who/x" / PID).write_text("n = 2\n")
    zipped(tmp_path / "in/submissions.zip", {f"lovelaceada_1_2_{PID}": b"n = 3\n"})
    zipped(tmp_path / "in/who.zip", {PID: b"n = 4\n"})
    found = {(one.login, one.name, one.path.name) for one in incoming.find([tmp_path / "in"], ROOM)}
    assert found == {("ada", "ada", "week 2"), ("ada", "ada", "submissions.zip"), ("", "who", "in")}


def test_a_last_name_of_two_words_is_squeezed_too() -> None:
    people = (Student("v", "Vincent van Gogh"), Student("j", "José García Márquez"),
              Student("l", "Lee Kim"), Student("k", "Kim Lee"))  # fmt: skip
    room = Class(**{**vars(ROOM), "students": people})
    names = ("vangoghvincent_1_", "garcíamárquezjosé_LATE_2_", "leekim_3_")
    assert [platforms.who(one, {}, room).login for one in names] == ["v", "j", ""]


def test_an_upload_that_broke_off_has_no_verdict(tmp_path: Path) -> None:
    path = zipped(tmp_path / "ada.zip", {PID: b"n = 1\n" * 999})
    data = bytearray(path.read_bytes())
    data[50] ^= 255
    path.write_bytes(data)
    with pytest.raises(Damaged, match="cannot be unpacked"):
        handed(path)


@pytest.mark.parametrize(
    ("name", "logins"),
    [("ada+zoë", {"ada", "zoë"}), ("Ada Lovelace and Zoë Ångström", {"ada", "zoë"}),
     ("zoë_4711", {"ada", "zoë"}), ("ada, zoë, bob", set()), ("ada+ada", set()), ("ada-", set()),
     ("ada_lab1", set())],
)  # fmt: skip
def test_a_name_made_of_two_logins_is_of_both(name: str, logins: set[str]) -> None:
    found = platforms.who(name, {}, ROOM)
    assert {found.login, *found.others} - {""} == (logins if len(logins) > 1 else set())
