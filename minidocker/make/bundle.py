"""The bundle: all modules of a plain `minidocker run` in one file, for a quick start.

    python -IS -X no_debug_ranges minidocker/make/bundle.py ROOT FILE [KIND]

There is one for each KIND of start: `run`, and four verbs of the runtime that Podman calls.

Half of a start was importing: 70 modules, each looked for in directories and read from a file of
its own. The launcher (environment.py) reads one file instead, and quick.py makes the modules. It
is a cache, as __pycache__ is: made from the sources, never instead of them. And it is code
that root runs, so it is used only when all of this is true; else the files are:

- it belongs to root or to the owner of the package, and only its owner can write to it;
- no directory that everybody may write to holds it;
- it was made by this very Python, for the package in this directory, in this format;
- it is whole: its checksum is right (marshal must never be given damaged data);
- each file that it was made from has the size and the status change time that it had then.

`make setup` and `make update` write it, and so does a run that found none to use, when it has
ended. The code keeps the sources' paths, so that tracebacks show their lines.
"""

from __future__ import annotations
import __future__

import _imp  # its SipHash comes with every Python, and loads no OpenSSL
import ast
import contextlib
import marshal
import os
import sys
import time
from importlib.util import MAGIC_NUMBER
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any

if __name__ == "__main__":  # started as a file, with -I
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from minidocker.make import quick

FORMAT = 1
# What a plain run asks for by a word, or inside a function. What these import comes by itself.
# A test compares the whole with what a run has loaded.
FIRST = (
    "minidocker.__main__",
    "minidocker.cli",
    "minidocker.verbs.run",
    "minidocker.images.store.store",
    "minidocker.plan.options",
    "minidocker.plan.from_options",
    "minidocker.kernel.linux",
    "minidocker.runtime.state",
    "minidocker.runtime.host",
)
START = ("minidocker.__main__", "minidocker.cli", "minidocker.verbs.words", "minidocker.verbs.oci",
         "minidocker.oci.answers", "minidocker.oci.lifetime")  # fmt: skip
DELETE = (*START, "minidocker.kernel.linux", "minidocker.oci.groups")
CREATE = (*DELETE, "minidocker.oci.making", "minidocker.oci.limits", "minidocker.oci.trees",
          "minidocker.oci.device_rules", "minidocker.kernel.device_filter",
          "minidocker.kernel.copying", "minidocker.kernel.within", "minidocker.spec.sysctl",
          "minidocker.runtime.state")  # fmt: skip
EXEC = (*DELETE, "minidocker.oci.executing", "minidocker.runtime.launcher")
KINDS = {"run": FIRST, "start": START, "delete": DELETE, "create": CREATE, "exec": EXEC}
# A file that was written to a moment ago may be written to again in the same tick of the kernel's
# clock, and then its times stay as they are. git calls such a file racy.
SETTLED = 1.0  # seconds


def refresh(root: str, path: str) -> None:
    """Write the bundle of the package in `root` anew, in a process of its own.

    Only the owner of its directory does it: root must not write where somebody else may move
    directories about. Whatever goes wrong, a start from the files is as right as ever.
    """
    with contextlib.suppress(OSError):
        if os.stat(os.path.dirname(path)).st_uid == os.geteuid():
            # Without the columns of a traceback's ^^^^, which are a tenth of the bytes.
            argv = [sys.executable, "-IS", "-X", "no_debug_ranges", os.path.abspath(__file__)]
            os.spawnv(os.P_WAIT, sys.executable, [*argv, root, path])


def build(root: str, kind: str = "run") -> bytes:
    """Return a bundle's bytes; empty when a source was written to just now."""
    stamps, modules = [], []
    for name in in_order(root, KINDS[kind]):
        file = source(root, name)
        stamp = quick.stamp(file)  # before reading: a later edit makes the bundle stale
        if stamp[1] > time.time_ns() - SETTLED * 1e9:
            return b""
        stamps.append((file, stamp))
        package, _, last = name.rpartition(".")
        path = [os.path.dirname(file)] if file.endswith("/__init__.py") else None
        modules.append((name, file, package, last, path, code(file)))
    loader = os.path.join(root, "minidocker", "make", "quick.py")
    stamps.append((loader, quick.stamp(loader)))
    return pack(root, code(loader), stamps, modules)


def pack(
    root: str, loader: CodeType, stamps: list[tuple[str, quick.Stamp]], modules: list[quick.Module]
) -> bytes:
    """Return a bundle of these parts: what the launcher compares first, a checksum, the parts."""
    data = marshal.dumps((loader, stamps, modules))
    return mark(root) + _imp.source_hash(FORMAT, data) + data


def mark(root: str) -> bytes:
    """Return what a bundle of this Python for the package in `root` begins with."""
    return repr((FORMAT, sys.version, MAGIC_NUMBER, root)).encode()


def write(path: str, data: bytes) -> None:
    """Put the bundle into its place: whole or not at all, and nobody else may write to it."""
    new = f"{path}.{os.getpid()}.new"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as out:
            out.write(data)
            out.flush()
            os.fchmod(fd, 0o644)
            os.fsync(fd)
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise


def source(root: str, name: str) -> str:
    """Return the path of a module's source; "" when no file of the package is called so."""
    path = os.path.join(root, *name.split("."))
    for file in (f"{path}/__init__.py", f"{path}.py"):
        if name.startswith("minidocker") and os.path.exists(file):
            return file
    return ""


def tree(file: str) -> ast.Module:
    """Return a file as syntax."""
    with open(file, "rb") as stream:
        return ast.parse(stream.read(), file)


def code(file: str) -> CodeType:
    """Compile a file without what only people and type checkers read: a sixth of the bytes.

    What it imports from __future__ goes to the compiler, and is not imported. The docstrings of
    the stages stay: `--explain` prints them.
    """
    syntax, flags = tree(file), 0
    for statement in list(syntax.body):
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            syntax.body.remove(statement)
            for alias in statement.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    lean = ast.fix_missing_locations(Lean("/stages/" in file).visit(syntax))
    found: CodeType = compile(lean, file, "exec", flags, dont_inherit=True, optimize=0)
    return found


class Lean(ast.NodeTransformer):
    """Takes annotations, what is under `if TYPE_CHECKING`, and most docstrings away."""

    def __init__(self, explained: bool) -> None:
        self.explained = explained  # a stage, whose docstring is printed

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Leave a module its code."""
        return self.bare(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Leave a class its code, and a stage its docstring."""
        return self.generic_visit(node) if self.explained else self.bare(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Leave a function its code, and of one that is only promised its name."""
        if promised(node):
            target = ast.Name(node.name, ast.Store())
            return ast.copy_location(ast.Assign([target], ast.Constant(None)), node)
        node.returns = None
        return self.bare(node)

    def bare(self, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> ast.AST:
        """Take the docstring; what has nothing else gets `pass`."""
        if ast.get_docstring(node, clean=False) is not None:
            node.body[:1] = [] if node.body[1:] else [ast.copy_location(ast.Pass(), node.body[0])]
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> Any:
        """Leave of `if TYPE_CHECKING` what stands under its `else`."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return [self.visit(one) for one in node.orelse]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Leave an argument its name."""
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Make `name: type = value` an assignment, and `name: type` nothing."""
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        assign = ast.Assign(targets=[node.target], value=self.visit(node.value))
        return ast.copy_location(assign, node)


def promised(node: ast.FunctionDef) -> bool:
    """Say whether a function is only promised: nothing but NotImplementedError stands in it."""
    last = node.body[-1]
    return (
        len(node.body) <= 2
        and isinstance(last, ast.Raise)
        and isinstance(last.exc, ast.Name)
        and last.exc.id == "NotImplementedError"
    )


def in_order(root: str, first: tuple[str, ...] = FIRST) -> list[str]:
    """Return the names of the modules of a start: each after those that it imports."""
    begun: set[str] = set()
    done: list[str] = []

    def visit(name: str) -> None:
        file = source(root, name)
        if file and name not in begun:
            visit(name.rpartition(".")[0])  # a package first, unless it is what imports this one
        if not file or name in begun:
            return
        begun.add(name)
        for needed in imported(file):
            visit(needed)
        done.append(name)

    for name in first:
        visit(name)
    return done


def imported(file: str) -> Iterator[str]:
    """Yield what the body of a module imports, when it is run."""
    for statement in tree(file).body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


def main(root: str, path: str, kind: str = "run") -> int:
    """Write the bundle where it can be made; exit status 1 where not, and nothing is said."""
    with contextlib.suppress(OSError, SyntaxError, ValueError):
        if data := build(root, kind):
            write(path, data)
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
