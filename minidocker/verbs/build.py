"""`minidocker build`: an image from a Dockerfile."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from minidocker.build.builder import Build
from minidocker.build.dockerfile import parse
from minidocker.build.ignore import Ignore
from minidocker.build.request import Request, Secret
from minidocker.build.state import PROXIES
from minidocker.build.unpacked import is_tar
from minidocker.build.wrong import BuildError
from minidocker.errors import Blocked, NotFound, UsageError
from minidocker.images.archive.source import Source
from minidocker.images.archive.stream import Stream
from minidocker.images.archive.tar import Archive
from minidocker.images.archive.unpack import Unpacker
from minidocker.images.store import files, names, oci
from minidocker.images.store.partial import Partial
from minidocker.images.store.store import Store
from minidocker.places import default_root
from minidocker.plan import learner
from minidocker.runtime import happened
from minidocker.spec.words import is_number
from minidocker.verbs import build_options
from minidocker.verbs.parser import Parser, make

LARGEST = 16 << 20  # bytes of a Dockerfile,
LARGEST_SECRET = 500 * 1024  # and of a secret, as in Docker
AFTER = """\
examples:
  minidocker build -t app .                        ./Dockerfile, with the files beside it
  minidocker build -t app -f docker/Dockerfile .
  minidocker build -t app --target test --build-arg VERSION=2 .
  minidocker build -t tiny - < Dockerfile          a Dockerfile alone
  tar c . | minidocker build -t app -              a context as a tar archive
  minidocker build --mine -t app .                 by your own cache_key, pack and walls
  minidocker build --secret id=key,src=key.pem .   for RUN --mount=type=secret,id=key

A RUN is a run: it has the walls and the network of `minidocker run`, and no more rights. What
came of a step is remembered by what it depends on: the layers below it, its words, the content of
its files; --no-cache does everything again, `minidocker system prune` forgets. Independent stages
are built at once. With SOURCE_DATE_EPOCH, the same input gives the same digest. What we do not
build is refused by name, with its line. The image's id is printed on standard output.

Each RUN also takes a run's -m --memory-swap -c --cpu-period --cpu-quota --cpuset-cpus --cpuset-mems
--shm-size --ulimit and --add-host. Docker's other options change nothing here, as --rm and --load,
or are refused by name.
"""


def main(argv: list[str]) -> int:
    """Build an image; return the exit status."""
    argv, limits = build_options.sort(argv)
    args = parser().parse_args(argv)
    args.limits, args.quiet = limits, args.quiet or args.progress == "quiet"
    os.environ["MINIDOCKER_ROOT"] = default_root()  # which depends on who asks
    with contextlib.suppress(ValueError):  # only the main thread may
        signal.signal(signal.SIGTERM, _end)  # so that half-done work is cleared away
    try:
        with contextlib.ExitStack() as stack:
            full = [names.check(name) for name in args.tag]
            request = read(args, stack)
            hex = Build(request).run(full)
            warn_of_unused(request)
    except BuildError as problem:
        raise problem.at(title_of(args)) from None
    except OSError as problem:
        if isinstance(problem, BrokenPipeError):
            raise
        where = f"{problem.filename}: " if problem.filename else ""
        raise Blocked(f"{where}{problem.strerror or problem}", "minidocker doctor") from None
    if args.iidfile:
        files.write(args.iidfile, f"sha256:{hex}".encode())
    for name in full:
        happened.tell_of("image", Store().root, "tag", f"sha256:{hex}", name=name)
    print(f"sha256:{hex}", flush=True)
    for name in full if not request.quiet else ():
        print(f"{name}: built", file=sys.stderr)
    return 0


def _end(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def parser() -> Parser:
    """Return the parser of `build`."""
    it = make("build", "Build an image from a Dockerfile.", AFTER)
    it.add_argument("context", metavar="DIR|-", help="the files for COPY; -: standard input")
    it.add_argument("-t", "--tag", metavar="NAME", action="append", default=[], help="its name")
    it.add_argument("-f", "--file", metavar="FILE", help="default: DIR/Dockerfile; -: stdin")
    it.add_argument("--target", metavar="STAGE", default="", help="build up to this stage")
    it.add_argument(
        "--build-arg", metavar="NAME[=VALUE]", action="append", default=[], help="for ARG NAME"
    )
    it.add_argument(
        "--secret", metavar="id=NAME,src=FILE", action="append", default=[],
        help="for RUN --mount=type=secret; env=NAME takes a variable",
    )  # fmt: skip
    it.add_argument("--label", metavar="NAME=VALUE", action="append", default=[],
                    help="one more label")  # fmt: skip
    it.add_argument("--no-cache", action="store_true", help="do every step again")
    it.add_argument("--pull", action="store_true", help="ask the registry for newer bases")
    it.add_argument("--platform", default="", metavar="OS/ARCH", help="what the image is for")
    it.add_argument("--network", default="", metavar="MODE", help="of every RUN; as in run")
    it.add_argument("--iidfile", metavar="FILE", help="write the image's id to a file")
    it.add_argument("--progress", choices=["auto", "plain", "tty", "quiet"],
                    default="auto", help="lines, in any case; or nothing")  # fmt: skip
    it.add_argument("--mine", action="store_true",
                    help="by your own cache_key and pack; each RUN behind your walls")  # fmt: skip
    it.add_argument("--unsafe", action="store_true",
                    help="with --mine: also what failed when judged last")  # fmt: skip
    it.add_argument("-q", "--quiet", action="store_true", help="print the image's id alone")
    return it


def own(args: argparse.Namespace) -> Mapping[str, Callable[..., Any]]:
    """Return the learner's functions that serve in a build, where --mine asks for them."""
    if not args.mine:
        return {}
    sys.stderr.write(learner.warning_outside_the_lab(Store()))
    found = learner.serving("build", ", ".join(args.tag), args.unsafe)
    if not found:
        print("minidocker: nothing in it is yours yet: lesson 12 has cache_key and pack.",
              file=sys.stderr)  # fmt: skip
    return found


def title_of(args: argparse.Namespace) -> str:
    """Return how messages call the Dockerfile."""
    return os.path.basename(args.file or "Dockerfile") if args.file != "-" else "Dockerfile"


def read(args: argparse.Namespace, stack: contextlib.ExitStack) -> Request:
    """Read all that a build needs to know, before anything is done."""
    store = Store()
    text, context = inputs(args, store, stack)
    oci.read_platform(args.platform)
    return Request(
        store=store, title=title_of(args), dockerfile=parse(text), context=context,
        ignore=Ignore(ignore_text(args, context)), args=pairs(args.build_arg, "--build-arg", True),
        secrets=dict(map(secret, args.secret)), labels=pairs(args.label, "--label"),
        target=args.target, no_cache=args.no_cache, platform=args.platform, network=args.network,
        pull=args.pull, epoch=epoch(args), quiet=args.quiet, bring=bring, say=say,
        own=own(args),
        walls=(*["--mine"] * args.mine, *["--unsafe"] * (args.mine and args.unsafe), *args.limits),
    )  # fmt: skip


def inputs(
    args: argparse.Namespace, store: Store, stack: contextlib.ExitStack
) -> tuple[str, str]:
    """Return (the Dockerfile's text, the context's directory or "")."""
    context = args.context
    if "://" in context or context.startswith("git@"):
        raise UsageError(f"{context}: a context from the network is not built", "git clone it")
    if context == "-":
        if args.file == "-":
            raise UsageError("DIR and -f cannot both be -", "give one of them",
                             docker="can't use stdin for both build context and dockerfile")
        context = from_stdin(store, stack)
        if not os.path.isdir(context):
            return read_text(context), ""
    elif not os.path.isdir(context):
        raise NotFound(f"there is no directory {context}", "minidocker build .", 1,
                       docker=f"unable to prepare context: path {context!r} not found")  # fmt: skip
    if args.file == "-":
        return sys.stdin.buffer.read(LARGEST).decode("utf-8", "surrogateescape"), context
    path = args.file or usual_file(context)
    if args.context == "-":
        path = os.path.join(context, args.file) if args.file else path
        above = os.path.realpath(context)
        if os.path.commonpath([os.path.realpath(path), above]) != above:
            raise UsageError("the Dockerfile leads out of the archive", "-f Dockerfile")
        if not os.path.isfile(path):
            raise no_file(f"{args.file or 'Dockerfile'} in the archive")
    return read_text(path), context


def usual_file(context: str) -> str:
    """Return DIR/Dockerfile; as in Docker also DIR/dockerfile, where there is no other."""
    path, small = (os.path.join(context, name) for name in ("Dockerfile", "dockerfile"))
    return small if os.path.isfile(small) and not os.path.lexists(path) else path


def from_stdin(store: Store, stack: contextlib.ExitStack) -> str:
    """Return a directory with the tar archive of standard input, or a file of what else it is."""
    work = stack.enter_context(Partial(store))
    path, root = work.path("stdin"), work.path("context")
    with open(path, "wb") as file:
        while piece := sys.stdin.buffer.read(1 << 20):
            file.write(piece)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not is_tar(fd):
            return path
    finally:
        os.close(fd)
    os.makedirs(root)
    with Source(path, title="standard input") as source:
        stream = Stream(source.read, source.title)
        Unpacker(root, source.title).unpack(Archive(stream))
        stream.drain()
    return root


def read_text(path: str) -> str:
    """Read a Dockerfile or an ignore file."""
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST).decode("utf-8", "surrogateescape")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise no_file(path) from None


def no_file(path: str) -> NotFound:
    """Return the error for a Dockerfile that is not there."""
    name = os.path.basename(path.partition(" ")[0])
    return NotFound(
        f"there is no file {path}", "-f FILE", 1,
        f"failed to read dockerfile: open {name}: no such file or directory",
    )  # fmt: skip


def ignore_text(args: argparse.Namespace, context: str) -> str:
    """Return the text of Dockerfile.dockerignore, or else .dockerignore; "" without both."""
    if not context:
        return ""
    file = args.file if args.file != "-" and args.file else "Dockerfile"
    own = file if args.file and args.context != "-" else os.path.join(context, file)
    for path in (own + ".dockerignore", os.path.join(context, ".dockerignore")):
        if os.path.isfile(path):
            return read_text(path)
    return ""


def warn_of_unused(request: Request) -> None:
    """Say which --build-arg no ARG has asked for: it may be misspelt."""
    file = request.dockerfile
    every = [*file.head, *(step for stage in file.stages for step in stage.steps)]
    asked = {name.partition("=")[0] for one in every if one.word == "ARG"
             for name in one.rest.split()}  # fmt: skip
    unused = request.args.keys() - asked - {*PROXIES, "SOURCE_DATE_EPOCH"}
    if unused and not request.quiet:
        names = ", ".join(sorted(unused))
        print(f"minidocker: warning: no ARG asks for {files.printable(names)}   (Docker says: "
              f"One or more build-args [{files.printable(names)}] were not consumed)",
              file=sys.stderr)  # fmt: skip


def pairs(texts: list[str], option: str, from_here: bool = False) -> dict[str, str]:
    """Read NAME=VALUE options; `from_here`: a NAME alone takes our variable, where there is one."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name:
            raise UsageError(f"{option} {text!r} has no name", f"{option} NAME=VALUE")
        if equals or not from_here:
            found[name] = value
        elif name in os.environ:
            found[name] = os.environ[name]
    return found


def secret(text: str) -> tuple[str, Secret]:
    """Read --secret id=NAME,src=FILE or id=NAME,env=VARIABLE; the id alone is both."""
    words = dict(word.partition("=")[::2] for word in text.split(","))
    unknown = words.keys() - {"id", "src", "source", "env", "type"}
    name = words.get("id", "")
    if unknown or not name:
        raise UsageError(f"--secret {text!r} is not id=NAME,src=FILE", "id=key,src=key.pem")
    path = words.get("src") or words.get("source") or ""
    variable = words.get("env") or ("" if path else name)
    if variable and (variable in os.environ or "env" in words or words.get("type") == "env"):
        if variable not in os.environ:
            raise UsageError(f"--secret {text}: there is no variable {variable}", "export it")
        return name, Secret(os.environ[variable].encode("utf-8", "surrogateescape"))
    try:
        with open(path or name, "rb") as file:
            data = file.read(LARGEST_SECRET + 1)
    except OSError as problem:
        raise NotFound(f"--secret {text}: {problem.strerror}", "src=FILE") from None
    if len(data) > LARGEST_SECRET:
        raise UsageError(f"--secret {text}: the file has more than 500 KB", "COPY it")
    return name, Secret(data)


def epoch(args: argparse.Namespace) -> int | None:
    """Return SOURCE_DATE_EPOCH, of --build-arg or the environment; None where it is not given."""
    given = pairs(args.build_arg, "--build-arg", True).get("SOURCE_DATE_EPOCH")
    text = given if given is not None else os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not is_number(text) or int(text) >= 1 << 33:
        raise UsageError(f"SOURCE_DATE_EPOCH={text!r} is no number of seconds", "date +%s")
    return int(text)


def bring(name: str, platform: str, always: bool) -> None:
    """Get an image from its registry."""
    from minidocker.verbs import pull

    pull.for_run(name, platform, always)


def say(line: bytes) -> None:
    """Tell people a line of the build: whole, since several stages may speak at once."""
    with contextlib.suppress(OSError, io.UnsupportedOperation):
        os.write(2, line + b"\n")
