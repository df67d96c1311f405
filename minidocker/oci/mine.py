"""The learner's parts in the runtime: MINIDOCKER_MINE=DIR, and their functions serve."""

from __future__ import annotations

import os
import sys

from minidocker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.oci.kinds import Bundle
    from minidocker.runtime.apart import Own
    from minidocker.stages.base import Stage

VARIABLE = "MINIDOCKER_MINE"
ANNOTATION = "minidocker.mine"
SAID: list[str] = []  # what was said of them


def is_served(bundle: Bundle) -> bool:
    """Say whether parts of a learner's are asked for."""
    return VARIABLE in os.environ or ANNOTATION in bundle.annotations


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


def serving(id: str) -> dict[str, Own]:
    """Return the functions of MINIDOCKER_MINE that serve a verb beside the stages; and say so."""
    directory = os.environ[VARIABLE]
    must_be_safe(directory)
    os.environ["MINIDOCKER_EXERCISES"] = directory
    from minidocker.plan import learner

    found = learner.serving("oci", id)
    for own in found.values():
        must_be_safe(own.file)
    if found:
        tell(f"of {directory}: {', '.join(found)}")
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
