"""State: one directory for each container, with its record and a lock that says "alive".

    ROOT/containers/ID/record.json   what was asked for, what the stages noted, how it ended
    ROOT/containers/ID/lock          held (flock) by who owns the container; its last word is in it
    ROOT/containers/ID/pid           of a detached one: its first process, start time and boot
    ROOT/containers/names/NAME       a symbolic link to ../ID: making it claims the name

Whoever can take the lock of a container knows that its owner is gone, and may clean up.
"""

from __future__ import annotations

from errno import EACCES, ENOENT, EPERM, EROFS

from minidocker.errors import Conflict, KernelError, MinidockerError
from minidocker.kernel.named import fcntl, os
from minidocker.places import is_file
from minidocker.runtime import happened
from minidocker.runtime.happened import name_of
from minidocker.spec.lean_json import to_json
from minidocker.spec.spec import Run, Spec

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.stages.base import Stage

VERSION = 1


def create(root: str, spec: Spec) -> tuple[Run, int]:
    """Make the state directory, take its lock, claim the name: (Run, lock's descriptor)."""
    containers = f"{root}/containers"
    directory = f"{containers}/{spec.id}"
    try:
        os.makedirs(f"{containers}/names", 0o711, exist_ok=True)
        lock = _new_directory(directory)
    except OSError as problem:
        raise MinidockerError(
            f"cannot make a container in {root}: {problem}",
            "minidocker prune   (a full disk); sudo, or another MINIDOCKER_ROOT (no permission)",
        ) from None
    root_directory = f"{directory}/merged" if spec.root.layers else spec.root.path
    run = Run(id=spec.id, directory=directory, root=root_directory, spec=spec, facts={})
    try:
        claim(containers, spec.name, spec.id)
        save(run, "created")
    except BaseException:
        discard(run)
        os.close(lock)
        raise
    return run, lock


def _new_directory(directory: str) -> int:
    """Make a container's directory; return the descriptor of its lock, taken.

    A `prune` at this moment may take a directory whose lock is not held yet for a dead one.
    """
    while True:
        os.makedirs(directory, 0o700, exist_ok=True)
        try:
            lock = os.open(f"{directory}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue
        except OSError:
            os.rmdir(directory)
            raise
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            return lock
        os.close(lock)


def claim(containers: str, name: str, id: str) -> None:
    """Make the link that gives the name to this container; a link to nowhere is replaced."""
    if not name:
        return
    link = f"{containers}/names/{name}"
    for _ in range(2):
        try:
            os.symlink(f"../{id}", link)
            return
        except FileExistsError:
            if not forget_name(link):
                break
    raise Conflict(
        f"the name {name} is in use by container {_owner(link)}",
        f"minidocker rm {name}   or give another --name",
        docker=f'Conflict. The container name "/{name}" is already in use by container '
        f'"{_owner(link)}". You have to remove (or rename) that container to be able to reuse '
        "that name.",
    )


def forget_name(link: str) -> bool:
    """Remove the link of a name whose container is gone, or what is no link; False: it is in use.

    A container's directory is made before its link and removed after it. flock(2), so that two
    who look at once do not remove what the first has just made.
    """
    names = os.open(os.path.dirname(link), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(names, fcntl.LOCK_EX)
        if os.path.islink(link) and os.path.exists(link):
            return False
        os.unlink(link)
    except FileNotFoundError:
        pass  # its owner has just removed it
    finally:
        os.close(names)
    return True


def _owner(link: str) -> str:
    try:
        return os.path.basename(os.readlink(link))
    except OSError:
        return "that has just ended"


def save(run: Run, status: str, **more: Any) -> None:
    """Write record.json: a new file, then one rename, so that a reader sees all or nothing."""
    new = happened.note_time(run.facts, status)
    record = {
        "version": VERSION,
        "id": run.id,
        "name": run.spec.name,
        "image": run.spec.image,
        "status": status,
        "root": run.root,
        "facts": run.facts,
        **more,
        "spec": run.spec.as_dict(),
    }
    path = f"{run.directory}/record.json"
    data = to_json(record).encode()
    try:
        fd = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            while data:  # a disk that gets full takes a part only
                data = data[os.write(fd, data) :]
        finally:
            os.close(fd)
        os.rename(f"{path}.new", path)
    except OSError as problem:
        raise MinidockerError(
            f"cannot write the record: {problem}", "minidocker prune   (when the disk is full)"
        ) from None
    if new:
        happened.became(run, status, more.get("exit_code"))


def discard(run: Run) -> None:
    """Remove the state directory and the name; harmless when done twice."""
    from minidocker.kernel.linux import Linux

    containers = os.path.dirname(run.directory)
    if name := name_of(run.directory, run.spec.name):
        link = f"{containers}/names/{name}"
        try:
            if os.path.basename(os.readlink(link)) == run.id:
                os.unlink(link)
        except OSError:
            pass  # it was never ours, or is gone
    if os.path.exists(f"{run.directory}/record.json"):  # else it never was one
        happened.tell(run, "destroy")
    # while the lock is there, it says "being removed"
    try:
        Linux().remove_tree(run.directory, "lock")
    except KernelError as problem:
        if problem.errno not in (EACCES, EPERM) or not os.geteuid():
            raise
        from minidocker.runtime import rootless  # files of subordinate ids: root inside may

        rootless.remove_tree(run.directory)


def is_alive(directory: str) -> bool:
    """Say whether a process holds the container's lock, or its command runs without us. flock(2)"""
    try:
        lock = try_lock(directory)
    except FileNotFoundError:
        return False
    if lock is None:
        return True
    os.close(lock)
    return False


def try_lock(directory: str) -> int | None:
    """Take the container's lock and return its descriptor; None while its owner or command lives.

    FileNotFoundError when there is none: its start was cut off, or it is about to be gone.
    """
    from minidocker.proc.living import lives

    lock = take_lock(directory)
    if lock is not None and lives(directory):  # both of its keepers were killed, and it runs on
        os.close(lock)
        return None
    return lock


def take_lock(directory: str) -> int | None:
    """Take the container's lock whether its command runs or not; None while an owner lives."""
    try:
        lock = _open_lock(directory)
    except BlockingIOError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _open_lock(directory: str) -> int:
    """Open the container's lock; one that is lost is made again, unless its owner lives.

    Only what is removed, or was never begun, has no lock and no record. Else BlockingIOError.
    Lost is also what has become a directory, a link or a pipe: it is put aside.
    """
    path = f"{directory}/lock"
    try:
        if is_file(path) or not os.path.lexists(path):
            return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as problem:
        if problem.errno == EROFS:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # it can be looked at
        if problem.errno != ENOENT or not os.path.exists(f"{directory}/record.json"):
            raise
    from minidocker.proc.living import is_kept

    if is_kept(directory):
        raise BlockingIOError
    try:
        if os.path.lexists(path):
            os.rename(path, f"{path}.spoilt")
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        raise FileNotFoundError(path) from None  # on a read-only disk it stays lost


def clean_up(
    record: dict[str, Any], stages: Sequence[type[Stage]], kernel: Kernel, volumes: bool = False
) -> bool:
    """Undo a container whose owner is gone, from its record; False while it is alive.

    Its anonymous volumes go too, when it was started with --rm or never ran, or `volumes` says so.
    """
    try:
        lock = try_lock(record["directory"])
    except FileNotFoundError:
        return _remove_empty(record["directory"])
    if lock is None:
        return False
    run = run_of(record)
    try:
        undo(run, [stage() for stage in stages], kernel)
        asked = record.get("spec") or {}
        forget(run, record, volumes or asked.get("remove") or record["status"] == "created")
    finally:
        os.close(lock)
    return True


def run_of(record: dict[str, Any]) -> Run:
    """Return what the stages' `after` need, from a record."""
    spec = Spec(id=record["id"], name=record["name"], image=record["image"])
    return Run(id=record["id"], directory=record["directory"], root=record.get("root", ""),
               spec=spec, facts=record["facts"])  # fmt: skip


def forget(run: Run, record: dict[str, Any], volumes: bool = True) -> None:
    """Remove a container's directory and its name, and its anonymous volumes if asked to."""
    if volumes:
        from minidocker.runtime import own_volumes

        mounts = (record.get("spec") or {}).get("mounts") or ()
        own_volumes.drop(run.directory, [m["volume"] for m in mounts if m.get("anonymous")])
    discard(run)


def _remove_empty(directory: str) -> bool:
    """Remove a directory that has not even a lock: nothing else can be in it."""
    try:
        os.rmdir(directory)
    except OSError:
        return False
    return True


def undo(run: Run, stages: Sequence[Stage], kernel: Kernel) -> list[Exception]:
    """Call every stage's `after`, last first; one that fails does not stop the others."""
    failed: list[Exception] = []
    if run.facts.get("strays"):
        from minidocker.runtime import strays

        strays.kill(run.directory)
    for stage in reversed(stages):
        try:
            stage.after(kernel, run)
        except Exception as problem:  # also a mistake of a learner's part
            failed.append(problem)
    return failed
