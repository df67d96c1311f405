"""Cache: the compiled filter's file. A plain run reads it and loads neither json nor a compiler.

ROOT/seccomp/default-MACHINE-CAPS-STAMP   the default profile; the stamp is that of our files
ROOT/seccomp/DIGEST-MACHINE-CAPS          a profile of the user's, by its SHA-256
"""

from __future__ import annotations

from minidocker.kernel.named import open, os

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = ("default.json", "calls.txt", "profile.py", "compiler.py", "bpf.py")


def filter_file(root: str, caps: list[str], mask: int, profile: str = "") -> str:
    """Return the file of the filter for these capabilities, compiled now if need be.

    `caps` and `mask` say the same, by name and by bit. `profile` names a JSON file in Docker's
    format; "" is the default profile. Raises UsageError for a profile that is none.
    """
    system = os.uname()
    text = ""
    if profile:
        text = _text(profile)
        from hashlib import sha256

        name = f"{sha256(text.encode()).hexdigest()[:32]}-{system.machine}-{mask:x}"
    else:
        stamp = sum(os.stat(f"{HERE}/{source}").st_mtime_ns for source in SOURCES)
        name = f"default-{system.machine}-{mask:x}-{stamp:x}"
    path = f"{root}/seccomp/{name}"
    if profile or not os.path.exists(path):
        _compile(path, text, profile, set(caps), system.machine, system.release)
    return path


def filter_of(root: str, text: str, where: str, caps: list[str], mask: int) -> str:
    """Return the file of a profile's filter, compiled once a text; `where` the text stands."""
    from hashlib import sha256

    system = os.uname()
    name = f"{sha256(text.encode()).hexdigest()[:32]}-{system.machine}-{mask:x}"
    path = f"{root}/seccomp/{name}"
    if not os.path.exists(path):
        _compile(path, text, where, set(caps), system.machine, system.release, True)
    return path


def _text(profile: str) -> str:
    from minidocker.errors import NotFound

    try:
        with open(profile, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
        raise NotFound(
            f"seccomp={profile}: {reason}", "name a JSON file in Docker's format",
            docker=f"opening seccomp profile ({profile}) failed: open {profile}: {reason.lower()}",
        ) from None  # fmt: skip


def _compile(
    path: str, text: str, profile: str, caps: set[str], machine: str, release: str,
    listens: bool = False,
) -> None:  # fmt: skip
    """Compile, and put the file in place with one rename: a reader sees all of it or nothing.

    `listens`: somebody is there whom the filter may ask.
    """
    from minidocker.errors import UsageError
    from minidocker.seccomp import compiler
    from minidocker.seccomp.profile import read, refuse_questions, rules, version

    where = profile or f"{HERE}/default.json"
    asked = read(text or _text(where), where)
    if not listens:
        refuse_questions(asked, where)
    chosen = rules(asked, where, machine, caps, version(release))
    try:
        program = compiler.compile_rules(chosen)
    except ValueError as problem:
        raise UsageError(f"seccomp={where}: {problem}", "a shorter profile") from None
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    new = f"{path}.{os.getpid()}"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, program)
    finally:
        os.close(fd)
    os.rename(new, path)
