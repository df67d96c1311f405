"""`minidocker class pack`: the students' edition, a tree that is ready for git, and a tar of it.

It lacks the solutions, the catalogues of mistakes, our own tests and what only CI reads. In the
manifests the pieces of solutions (`holes`) are gone; what they made is in exercises/.starters.
The checks go along: a student is judged at home by what judges here, which draws each number anew.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from minidocker.chamber.cell_needs import PACKAGE
from minidocker.classroom import variants
from minidocker.classroom.exporting import course, open_class, write
from minidocker.classroom.exporting import folder as folder_for
from minidocker.course import exercise_file as subjects
from minidocker.course import own_names
from minidocker.course.manifest import FOLDER, Manifest, load
from minidocker.errors import UsageError

LEFT_OUT = ("solutions/", "tests/", ".ci/", ".github/")
GOES_ALONG = "tests/stages/"
LIST = ".minidocker-pack"
"""Names what was packed: the next pack removes what is gone, and nothing of the teacher's own."""
PLACES = ("minidocker", "notebooks", "exercises", "docs", "guest", "tests/stages")
FILES = ("README.md", "LICENSE", "Makefile", "Vagrantfile", "pyproject.toml", "environment.yml",
         "ARCHITECTURE.md", "CONTRIBUTING.md", ".gitignore")  # fmt: skip


def pack(options: Namespace) -> int:
    """Write the edition into a folder; what was there of an earlier pack is replaced."""
    room, _ = open_class(options.file)
    manifest = load(PACKAGE.parent)
    if course().root != manifest.root:
        raise UsageError("pack packs the course, and MINIDOCKER_COURSE names a set of your own",
                         f"hand out its files: {course().root / 'exercises'}")  # fmt: skip
    folder = Path(options.folder)
    files = edition(manifest)
    write_tree(folder, files)
    if options.tar:
        write(options.tar, as_tar(folder.resolve().name, files))
    print(f"{folder}: {len(files)} files of edition {room.edition}; no solutions, no catalogues.")
    if room.variants:
        place, count = room.folder / "variants", 0
        folder_for(place)
        for student, seed in variants.each(room):
            own = as_tar("exercises", of_one(manifest, seed))
            write(str(place / f"{student.login}.tar.gz"), own)
            count += 1
        print(f"{place}: {count} files LOGIN.tar.gz, each with one student's own exercises; "
              "each unpacks theirs in the edition, and leaves the others' alone.")  # fmt: skip
    first = "" if (folder / ".git").exists() else "git init && "
    print(f"next: cd {folder} && {first}git add -A && git commit; "
          "students clone it, and `make update`")  # fmt: skip
    return 0


def edition(manifest: Manifest) -> dict[str, tuple[bytes, int]]:
    """Return the edition's files: name → (bytes, mode)."""
    files = {}
    for name in sorted(_tracked(manifest.root)):
        if name.startswith(LEFT_OUT) and not name.startswith(GOES_ALONG):
            continue
        path = manifest.root / name
        if path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        if name.startswith(f"{FOLDER}/"):
            data = without_holes(data.decode()).encode()
        files[name] = (data, 0o755 if os.access(path, os.X_OK) else 0o644)
    for lesson in manifest.lessons:
        begin = subjects.starter(manifest, lesson).encode()
        files[lesson.exercise] = (begin, 0o644)  # never a teacher's own half-done exercise
        files[f"{subjects.STARTERS}/{lesson.file}"] = (begin, 0o644)
    return files


def of_one(manifest: Manifest, seed: str) -> dict[str, tuple[bytes, int]]:
    """Return the exercises of one login's variant, as they lie in the folder exercises/."""
    files, names = {}, {}
    for lesson in manifest.lessons:
        given = subjects.starter(manifest, lesson)
        begin = variants.variant(given, seed).encode()
        names[lesson.id] = variants.names_of(given, seed)
        for name in (lesson.exercise, f"{subjects.STARTERS}/{lesson.file}"):
            files[name.removeprefix("exercises/")] = (begin, 0o644)
    said = json.dumps(names, indent=1, sort_keys=True) + "\n"  # hints follow them: own_names.py
    files[own_names.FILE.removeprefix("exercises/")] = (said.encode(), 0o644)
    return files


def without_holes(text: str) -> str:
    """Return a manifest without the pieces of its solution: each `holes = […]` block."""
    return re.sub(r"(?m)^holes = \[\n(?:.*\n)*?\]\n", "", text)


def _tracked(root: Path) -> Iterable[str]:
    """Return the files of the course: what git tracks, else what lies in its folders."""
    done = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True)
    if done.returncode == 0 and done.stdout:
        return [name for name in done.stdout.decode().split("\0") if name]
    found = [name for name in FILES if (root / name).is_file()]
    for place in PLACES:
        for path in (root / place).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found.append(str(PurePosixPath(path.relative_to(root))))
    return found


def write_tree(folder: Path, files: dict[str, tuple[bytes, int]]) -> None:
    """Write files into a folder; remove what the last pack wrote and this one does not."""
    listed = folder / LIST
    if folder.exists() and any(folder.iterdir()) and not listed.exists():
        others = [one.name for one in folder.iterdir() if one.name != ".git"]
        if others:
            raise UsageError(f"{folder} is not empty, and no pack of ours", "name another folder")
    old = set(listed.read_text(encoding="utf-8").splitlines()) if listed.exists() else set()
    for name in old - set(files):
        if ".." not in PurePosixPath(name).parts and not name.startswith("/"):
            (folder / name).unlink(missing_ok=True)
    for name, (data, mode) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
    listed.write_text("\n".join(sorted(files)) + "\n", encoding="utf-8")
    for empty in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        if ".git" not in empty.parts and not any(empty.iterdir()):
            shutil.rmtree(empty)


def as_tar(top: str, files: dict[str, tuple[bytes, int]]) -> bytes:
    """Return a tar of the edition, gzip; the same bytes for the same files."""
    import gzip

    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, (data, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()
