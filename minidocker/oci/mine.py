"""The learner's parts in the runtime: MINIDOCKER_MINE=DIR, and their functions serve."""

from __future__ import annotations

import os
import sys

from minidocker.errors import MinidockerError, UsageError
from minidocker.oci.asked import ANNOTATION, VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.oci.container import Container
    from minidocker.oci.kinds import Bundle
    from minidocker.runtime.apart import Own
    from minidocker.stages.base import Stage

SAID: list[str] = []  # what was said of them
SECONDS = 10.0  # for one of them to answer
MEMORY = 64 << 20  # the limit of an example that a learner's spec_of writes


def furnished(kinds: list[type[Stage]], bundle: Bundle) -> list[Stage]:
    """Make the stages, each with the bundle at hand."""
    stages = [kind() for kind in adopted(kinds, bundle)]
    for stage in stages:
        stage.bundle = bundle  # type: ignore[attr-defined]
    return stages


def adopted(chosen: list[type[Stage]], bundle: Bundle) -> list[type[Stage]]:
    """Put the parts of a learner's directory in, where one is named; and say so."""
    directory = os.environ.get(VARIABLE) or bundle.annotations.get(ANNOTATION)
    if not directory:
        return chosen
    must_be_safe(directory)
    os.environ["MINIDOCKER_EXERCISES"] = directory
    if sys.flags.no_site:
        import site

        site.main()
    from minidocker.places import default_root
    from minidocker.plan.learner import mine
    from minidocker.runtime import used
    from minidocker.runtime.adopt import adopt

    used.serving(default_root(), "oci", bundle.spec.id)

    stages = {stage.name: stage for stage in chosen}
    said = []
    for name, parts, file, _ in mine():
        must_be_safe(file)
        if name in stages:
            stages[name] = adopt(stages[name], parts, file)
            said += parts
    tell(f"of {directory}: {', '.join(said) or 'nothing is yours yet'}")
    return [stages[stage.name] for stage in chosen]


def serving(id: str, name: str) -> Own | None:
    """Return a function of MINIDOCKER_MINE that serves a verb beside the stages; and say so."""
    directory = os.environ.get(VARIABLE)
    if not directory:
        return None
    must_be_safe(directory)
    os.environ["MINIDOCKER_EXERCISES"] = directory
    from minidocker.plan import learner

    own = learner.serving("oci", id, only={name}).get(name)
    if own:
        must_be_safe(own.file)
        tell(f"of {directory}: {name}")
    return own


def read_before(bundle: Bundle, id: str) -> None:
    """Say which holes a learner's `holes` sees in a bundle, before anything is made of it.

    It decides nothing: an engine may want what it finds. What it raises is said, too.
    """
    own = serving(id, "holes")
    if own is None:
        return
    from minidocker.runtime.adopt import load
    from minidocker.runtime.apart import Own
    from minidocker.spec.read_json import loads

    file = own.file

    def as_list(config: Any) -> list[str]:
        return sorted(load(file)["holes"](config))  # a set is no JSON

    try:
        found = Own("holes", file, as_list)(loads(bundle.text), seconds=SECONDS)
    except MinidockerError as problem:
        tell(str(problem))
    else:
        tell(f"your holes sees in this bundle: {', '.join(map(str, found)) or 'none'}")


def compare(container: Container, record: dict[str, Any]) -> None:
    """Ask a learner's `state` what a container is; an error where the kernel says otherwise.

    It is shown a directory as lesson 15 has them: the pipe, and the record that its `save` writes.
    """
    before = container.status(record)
    broken = before == "stopped" and not record.get("pid")  # lesson 15 has no such record
    own = None if broken else serving(container.id, "state")
    if own is None:
        return
    import json
    from shutil import rmtree

    place = container.path(f"view-{os.getpid()}")
    rmtree(place, ignore_errors=True)
    os.mkdir(place, 0o700)
    try:
        os.symlink(container.path("go"), f"{place}/go")
        if record.get("pid"):
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                boot = file.read().strip()  # /run, where records are, outlives no other
            shown = {"pid": record["pid"], "began": int(record["began"] or 0), "boot": boot}
            with open(f"{place}/record.json", "x", encoding="ascii") as file:
                json.dump(shown, file)
        said = own(place, seconds=SECONDS)
    finally:
        rmtree(place, ignore_errors=True)
    right = [before, container.status(container.load())]  # it may have ended meanwhile
    if "paused" in right:  # which lesson 15 does not know
        right += ["created", "running"]
    if said not in right:
        what = f"your state in {own.file} says {said!r}, and the kernel says {before!r}"
        raise MinidockerError(what, "minidocker grade state")


def example(ours: dict[str, Any]) -> dict[str, Any]:
    """Let a learner's `spec_of` write an example of a config.json; where there is none, ours."""
    own = serving("spec", "spec_of")
    if own is None:
        return ours
    import json
    from types import SimpleNamespace

    from minidocker.oci import bundle

    kept = ours["process"]["capabilities"]["bounding"]
    options = SimpleNamespace(
        command=ours["process"]["args"], root=ours["root"]["path"], hostname=ours["hostname"],
        keep=kept, memory=MEMORY, volumes=[],
    )  # fmt: skip
    found: dict[str, Any] = own(options, seconds=SECONDS)
    try:
        bundle.read("/", "spec", json.dumps(found))
    except MinidockerError as problem:
        what = f"your spec_of in {own.file}: {problem}"
        raise MinidockerError(what, "minidocker grade spec_of") from None
    return found


def tell(words: str) -> None:
    """Say it on stderr; the verb puts it into the caller's log, too."""
    SAID.append(words)
    sys.stderr.write(f"minidocker: {words}\n")


def must_be_safe(path: str) -> None:
    """Refuse code of somebody else: it would run with our rights."""
    try:
        found = os.stat(path)
    except OSError as problem:
        raise UsageError(
            f"{VARIABLE}: {path}: {problem.strerror}", "the directory exercises/ of the course"
        ) from None
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o002:
        raise UsageError(
            f"{VARIABLE}: {path} belongs to another user, or everybody may change it",
            f"chown root {path}; chmod go-w {path}",
        )
