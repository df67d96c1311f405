"""`make update`: bring the course's new lessons into a learner's clone, and lose no edit.

    python3 -I minidocker/update.py

Like bootstrap.py it needs a bare Python and git, and of minidocker only the room `make`.

What the learner has not touched becomes as the course has it now. For the rest there are three
texts: the course's old one, the learner's, the course's new one.

- A text is merged line by line: git-merge-file(1). Where both changed the same lines, the learner's
  file stays as it is, and the new one is written beside it as NAME.new.
- A notebook is no text to merge: JupyterLab writes outputs into it. The learner's is kept beside
  the new one, as NAME.mine.ipynb.

Before anything is changed, each touched file is copied to .minidocker/copies. In the end what was
written under the course's first numbers goes into the files of today (make/renumber.py).
"""

from __future__ import annotations

# ast and re are for make/renumber.py, which is read when we are the clone's owner already: a Python
# in root's own home is out of reach then.
import ast  # noqa: F401
import os
import pwd
import re  # noqa: F401
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Also for a Python too old for minidocker: no syntax newer than 3.8.

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)  # -I keeps the course off the path
NOTEBOOKS, MINE, NEW = ".ipynb", ".mine", ".new"


class Trouble(Exception):
    """The update cannot be done, and nothing was changed: why, and what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Clone:
    """A learner's clone of the course, as git sees it."""

    def __init__(self, root: str) -> None:
        self.root = root

    def git(self, *words: str) -> bytes:
        """Return what git prints; its own words become the Trouble."""
        try:
            done = subprocess.run(["git", "-C", self.root, *words], capture_output=True)
        except FileNotFoundError:
            raise Trouble("there is no git here", "sudo apt-get install git") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["it failed"]
            why = next((line for line in said if line.startswith(("fatal:", "error:"))), said[-1])
            raise Trouble(f"git {words[0]}: {why}", f"git -C {self.root} {' '.join(words)}")
        return done.stdout

    def names(self, *words: str) -> list[str]:
        """Return the paths that git prints, each ended by a zero byte."""
        return [os.fsdecode(name) for name in self.git(*words).split(b"\0") if name]

    def at(self, commit: str, name: str) -> bytes | None:
        """Return a file as a commit has it; None where the commit has no such file."""
        if not self.names("ls-tree", "-z", "--name-only", commit, "--", name):
            return None
        return self.git("cat-file", "blob", f"{commit}:{name}")

    def path(self, name: str) -> str:
        """Return where a file lies on the disk."""
        return os.path.join(self.root, name)

    def mine(self, name: str) -> bytes | None:
        """Return a file as the learner has it; None when it is gone."""
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except (FileNotFoundError, IsADirectoryError):
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file, and the directories above it."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)


def upstream(clone: Clone) -> str:
    """Fetch, and return the commit that the course is at now."""
    try:
        clone.git("rev-parse", "--abbrev-ref", "@{upstream}")
    except Trouble:
        raise Trouble(
            "this folder follows no copy of the course that could have news",
            "git clone the course, and copy your exercises there",
        ) from None
    clone.git("fetch", "--quiet")
    new = clone.git("rev-parse", "@{upstream}").decode().strip()
    if clone.git("merge-base", "HEAD", new) != clone.git("rev-parse", "HEAD"):
        raise Trouble(
            "you have commits of your own here: git itself must put them together",
            "git stash, then git merge, then git stash pop",
        )
    return new


def touched(clone: Clone, new: str) -> list[str]:
    """Return the files that both the learner and the course have changed since the last update."""
    theirs = set(clone.names("diff", "-z", "--name-only", "--no-renames", "HEAD", new))
    edited = set(clone.names("diff", "-z", "--name-only", "--no-renames", "HEAD"))
    # A file of the learner's may have the name of a new one.
    edited |= set(clone.names("diff", "-z", "--name-only", "--diff-filter=A", "HEAD", new))
    return sorted(name for name in theirs & edited if clone.mine(name) is not None)


def merged(old: bytes, mine: bytes, new: bytes) -> bytes | None:
    """Return three texts merged line by line; None where both changed the same lines."""
    with tempfile.TemporaryDirectory() as folder:
        texts = {"mine": mine, "old": old, "new": new}
        for word, data in texts.items():
            with open(os.path.join(folder, word), "wb") as file:
                file.write(data)
        argv = ["git", "merge-file", "-p", "-q", *texts]
        done = subprocess.run(argv, cwd=folder, capture_output=True)
    return done.stdout if done.returncode == 0 else None


def plan(clone: Clone, name: str, new: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Say in words what becomes of a file that both changed, and what is written where for it."""
    old, mine, theirs = clone.at("HEAD", name), clone.mine(name), clone.at(new, name)
    assert mine is not None
    if theirs is None:
        return f"{name}: the course has it no more; yours stays", [(name, mine)]
    if mine == theirs:
        return f"{name}: you have it already", [(name, mine)]
    if name.endswith(NOTEBOOKS):
        kept = beside(clone, name[: -len(NOTEBOOKS)] + MINE, NOTEBOOKS)
        return f"{name}: new; yours is now {kept}", [(kept, mine), (name, theirs)]
    text = None if old is None else merged(old, mine, theirs)
    if text is not None:
        return f"{name}: your edits, and the new text around them", [(name, text)]
    kept = beside(clone, name, NEW)
    return f"{name}: yours stays; the new one is {kept}", [(name, mine), (kept, theirs)]


def beside(clone: Clone, stem: str, ending: str) -> str:
    """Return a name that is still free: STEM.ENDING, STEM-2.ENDING …"""
    number, name = 1, stem + ending
    while os.path.lexists(clone.path(name)):
        number += 1
        name = f"{stem}-{number}{ending}"
    return name


def keep(clone: Clone, names: Sequence[str]) -> str:
    """Copy files to a folder of this moment in .minidocker/copies; return the folder."""
    moment = time.strftime("%Y%m%d-%H%M%S")
    folder = beside(clone, os.path.join(".minidocker", "copies", f"update.{moment}"), "")
    for name in names:
        clone.write(os.path.join(folder, name), clone.mine(name) or b"")
    return folder


def move(clone: Clone, new: str, names: Sequence[str]) -> None:
    """Bring the clone to the new commit; `names` are out of git's way meanwhile."""
    clone.git("reset", "--quiet")  # what was staged is in the files all the same
    known = [name for name in names if clone.at("HEAD", name) is not None]
    for name in set(names) - set(known):
        os.unlink(clone.path(name))
    if known:
        clone.git("checkout", "--quiet", "HEAD", "--", *known)
    clone.git("merge", "--quiet", "--ff-only", new)


def update(root: str) -> int:
    """Do it all; say what became of each file that the learner had changed."""
    clone = Clone(root)
    new = upstream(clone)
    if clone.git("rev-parse", "HEAD").decode().strip() == new:
        print("Nothing is new.")
        carried(root)
        return 0
    names = touched(clone, new)
    before = {name: clone.mine(name) or b"" for name in names}
    plans = [plan(clone, name, new) for name in names]
    folder = keep(clone, names) if names else ""
    try:
        move(clone, new, names)
    except BaseException:  # Ctrl-C too: what is the learner's goes back to its place
        for name, data in before.items():
            clone.write(name, data)
        raise
    for told, files in plans:
        for name, data in files:
            clone.write(name, data)
        print(told)
    carried(root)
    if folder:
        print(f"Your files as they were: {folder}")
    print("The course is up to date. Close notebooks that are open, and open them again.")
    print("next: make learn")
    return 0


def carried(root: str) -> None:
    """Carry over from the course's first numbers; read now, since the update has brought it."""
    from minidocker.make import renumber

    for told in renumber.carry(root):
        print(told)


def as_owner(root: str) -> None:
    """Become the owner of the clone: files that root made could not be edited any more."""
    owner = os.stat(root).st_uid
    if os.geteuid() == 0 and owner != 0:
        person = pwd.getpwuid(owner)
        os.initgroups(person.pw_name, person.pw_gid)
        os.setgid(person.pw_gid)
        os.setuid(owner)
        os.environ.update(HOME=person.pw_dir, USER=person.pw_name)


def main() -> int:
    """Update this clone; trouble is one sentence, what to do about it, and exit status 1."""
    try:
        as_owner(ROOT)
        return update(ROOT)
    except Trouble as trouble:
        print(f"minidocker: {trouble}\n  try: {trouble.remedy}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
