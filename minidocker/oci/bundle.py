"""Bundle: config.json → what the stages understand, a Spec; and what only a bundle can say.

runtime-spec, config.md and config-linux.md. What is asked for and not done is refused by name.
"""

from __future__ import annotations

import os

from minidocker.errors import UsageError
from minidocker.kernel.flags import CAPABILITIES, MS_REC, mask
from minidocker.oci import affinity, manner, mount_options
from minidocker.oci.config import Part, load, parse
from minidocker.oci.kinds import Bundle, Device, Hook, Sets
from minidocker.oci.seccomp_of import read_filter
from minidocker.spec.spec import Ids, Spec, blank
from minidocker.spec.sysctl import allowed, stage_of
from minidocker.stages.rlimits import ULIMITS

NAMESPACES = {
    "pid": "pid", "network": "net", "mount": "mnt", "ipc": "ipc", "uts": "uts", "user": "user",
    "cgroup": "cgroup", "time": "time",
}  # fmt: skip
HOOKS = (
    "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
)  # fmt: skip
UNCHANGED = (1 << 32) - 1  # setresuid(2) takes it for "as it is"
FOREVER = 1 << 63  # a limit from here on is "no limit"
WARNED: list[str] = []  # capabilities that were spoken of
SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")


def read(directory: str, id: str, text: str = "") -> Bundle:
    """Read a bundle's config.json, or its text where somebody has kept that."""
    path = f"{directory}/config.json"
    text, config = (text, parse(text, path)) if text else load(path)
    version = config.must("ociVersion")
    numbers = version.partition("-")[0].partition("+")[0].split(".")
    if numbers[0] != "1" or len(numbers) != 3 or not all(one.isdecimal() for one in numbers):
        raise UsageError(f"config.json is of version {version} of the specification", "1.0 to 1.3")
    config.refuse("vm", "solaris", "zos")
    linux = config.part("linux")
    linux.refuse("intelRdt", "mountLabel", "memoryPolicy", "netDevices")
    root = config.part("root")
    where = root.must("path")
    found = Bundle(
        directory=directory, text=text, version=version, annotations=config.table("annotations"),
        namespaces=namespaces(linux), hooks=hooks(config),
        mounts=[mount_options.read(part, directory) for part in config.parts("mounts")],
        masked=linux.texts("maskedPaths"), read_only=linux.texts("readonlyPaths"),
        propagation=propagation(linux), resources=linux.part("resources").values,
        devices=[device(part) for part in linux.parts("devices")],
        cgroup=linux.text("cgroupsPath"), offsets=offsets(linux), manner=manner.domain(linux),
        **read_filter(linux),
    )  # fmt: skip
    spec = found.spec = blank()
    spec.id, spec.annotations = id, found.annotations
    spec.hostname, spec.domainname = config.text("hostname"), config.text("domainname")
    spec.root.path = os.path.realpath(where if where.startswith("/") else f"{directory}/{where}")
    spec.root.readonly = root.flag("readonly")
    mount_options.below_root(found.mounts, spec.root.path)
    spec.linux.ids = ids(linux, found)
    spec.sysctl = settings(linux, found)
    if found.offsets and "time" not in found.namespaces:
        raise UsageError("config.json: timeOffsets need a time namespace of the container's own")
    if (spec.hostname or spec.domainname) and "uts" not in found.namespaces:
        raise UsageError("config.json: hostname needs a uts namespace of the container's own")
    found.idle = not config.has("process")
    nothing = Part({"args": ["/"], "cwd": "/"}, "process")
    process(nothing if found.idle else config.part("process"), found, spec)
    return found


def process(part: Part, found: Bundle, spec: Spec) -> None:
    """Read `process`: of the bundle, or of an exec."""
    part.refuse("selinuxLabel")
    found.profile = part.text("apparmorProfile")
    mine = spec.process
    mine.args = part.texts("args")
    if not mine.args:
        raise UsageError("config.json: process.args is empty", "the command and its arguments")
    mine.env, mine.cwd = part.texts("env"), part.must("cwd")
    if not mine.cwd.startswith("/"):
        raise UsageError(f"config.json: process.cwd {mine.cwd!r} is not an absolute path")
    must_be_variables(mine.env, "config.json")
    mine.terminal, mine.interactive = part.flag("terminal"), True
    mine.no_new_privs = part.flag("noNewPrivileges")
    mine.oom_score = part.number("oomScoreAdj")
    if mine.oom_score is not None and not -1000 <= mine.oom_score <= 1000:
        raise UsageError("config.json: process.oomScoreAdj is not from -1000 to 1000")
    mine.rlimits = [rlimit(item) for item in part.parts("rlimits")]
    if len({number for number, *_ in mine.rlimits}) < len(mine.rlimits):
        raise UsageError("config.json: process.rlimits has the same type twice")
    user = part.part("user")
    user.text("username"), part.text("commandLine")  # for Windows; texts all the same
    found.uid, found.gid = (user.natural(key) or 0 for key in ("uid", "gid"))
    if UNCHANGED in (found.uid, found.gid):  # else the ids would stay what ours are
        raise UsageError(f"config.json: process.user: {UNCHANGED} is nobody's id")
    groups = user.value("additionalGids", list, [])
    if not all(type(group) is int and 0 <= group < 1 << 32 for group in groups):
        raise UsageError("config.json: process.user.additionalGids is no list of ids")
    found.groups, mine.umask = groups, user.natural("umask")
    manner.read(part, found)
    found.affinity = affinity.read(part.part("execCPUAffinity"))
    found.sets = capabilities(part.part("capabilities"))
    size = part.part("consoleSize")
    found.size = [size.natural(key, 16) or 0 for key in ("height", "width")]


def must_be_variables(items: list[str], where: str) -> None:
    """Refuse what is no variable: one has a name, and a value."""
    if wrong := next((item for item in items if item.find("=") < 1), None):
        raise UsageError(f'{where}: invalid environment variable: "{wrong}"', "NAME=VALUE")


def capabilities(part: Part) -> Sets:
    """Read the five sets as masks. An unknown name is passed over, as in runc."""
    for name in SETS:
        tell_unknown(part.texts(name))
    masks = {
        name: mask(one for one in part.texts(name) if one in CAPABILITIES) for name in SETS
    }
    sets = Sets(**masks)
    tell_unraisable(sets)
    return sets


def tell_unraisable(sets: Sets) -> None:
    """Warn of ambient capabilities that the kernel does not raise. capabilities(7), "Ambient" """
    missing = sets.ambient & ~(sets.inheritable & sets.permitted)
    for name in (name for bit, name in enumerate(CAPABILITIES) if missing >> bit & 1):
        if name not in WARNED:
            WARNED.append(name)
            words = f"can't raise ambient capability {name}: it is not permitted and inheritable"
            os.write(2, f"minidocker: {words}\n".encode())


def tell_unknown(names: list[str]) -> None:
    """Warn of capabilities that are none here; they are passed over, as in runc."""
    unknown = sorted({name for name in names if name not in CAPABILITIES} - set(WARNED))
    if unknown:
        WARNED.extend(unknown)
        words = f"ignoring unknown or unavailable capabilities: [{' '.join(unknown)}]"
        os.write(2, f"minidocker: {words}\n".encode(errors="replace"))


def rlimit(part: Part) -> list[int]:
    """Read one limit: [number, soft, hard]; what is too large for a sign is no limit, -1."""
    name = part.must("type").removeprefix("RLIMIT_").lower()
    if name == "as":
        number = 9
    elif name in ULIMITS:
        number = ULIMITS[name]
    else:
        raise UsageError(f"config.json: {part.where}.type is no limit that Linux knows")
    both = [part.natural(key, 64) or 0 for key in ("soft", "hard")]
    return [number, *(-1 if limit >= FOREVER else limit for limit in both)]


def namespaces(linux: Part) -> dict[str, str]:
    """Read which namespaces are the container's: name → "", or the path of one to join."""
    found: dict[str, str] = {}
    for part in linux.parts("namespaces"):
        kind, path = part.must("type"), part.text("path")
        if kind not in NAMESPACES:
            raise UsageError(f"config.json: there is no namespace {kind!r}", ", ".join(NAMESPACES))
        if NAMESPACES[kind] in found:
            raise UsageError(f"config.json has the namespace {kind} twice")
        if path and not path.startswith("/"):
            raise UsageError(f"config.json: {part.where}.path is not an absolute path")
        found[NAMESPACES[kind]] = path
    return found


def ids(linux: Part, found: Bundle) -> Ids | None:
    """Read the id maps of a user namespace of the container's own."""
    maps = [mount_options.map_lines(linux, key) for key in ("uidMappings", "gidMappings")]
    if found.namespaces.get("user") != "":
        if any(maps) and "user" not in found.namespaces:
            raise UsageError("config.json: id maps need a user namespace of the container's own")
        return None
    if not all(maps):
        raise UsageError("config.json: a new user namespace needs uidMappings and gidMappings")
    # A user may map one id, the own one, and gives up setgroups(2) for it; more by newuidmap(1).
    user = os.geteuid() != 0
    helper = user and any(text.split()[2:] != ["1"] for text in maps)
    setgroups = "deny" if user and not helper else "allow"
    return Ids(uid_map=maps[0], gid_map=maps[1], setgroups=setgroups, helper=helper, shift=False)


def settings(linux: Part, found: Bundle) -> dict[str, str]:
    """Read `sysctl`: settings of namespaces of the container's own, by their path in /proc/sys."""
    settings = {}
    for name, value in linux.table("sysctl").items():
        first = next((character for character in name if character in "./"), "")
        path = name if first == "/" else name.translate({ord("."): "/", ord("/"): "."})
        stage = {"network": "net"}.get(stage_of(path), stage_of(path))
        if path == "kernel/hostname":
            raise UsageError(
                f'config.json: sysctl "{name}" is not allowed as it conflicts with the OCI '
                '"hostname" field', "hostname",
            )  # fmt: skip
        if path == "kernel/domainname":
            stage = "uts"
        elif not allowed(path):
            stage = ""
        if stage not in found.namespaces:
            raise UsageError(
                f"config.json: sysctl {name} is no setting of a namespace of the container's own",
                "such as net.ipv4.ip_forward   (net.*, fs.mqueue.*, kernel.shm*, msg*, sem)",
            )
        settings[path] = value
    return settings


def propagation(linux: Part) -> int:
    """Read rootfsPropagation as MS_… flags; 0 where nothing is said."""
    word = linux.text("rootfsPropagation")
    if not word:
        return 0
    plain = word.removeprefix("r")
    if plain not in mount_options.PROPAGATION:
        raise UsageError(f"config.json: rootfsPropagation {word!r} is none that Linux knows")
    return mount_options.PROPAGATION[plain] | (MS_REC if word != plain else 0)


def device(part: Part) -> Device:
    """Read one entry of `devices`."""
    kind = part.must("type")
    if kind not in ("c", "u", "b", "p"):
        raise UsageError(f"config.json: {part.where}.type is none of c, u, b, p")
    path = part.must("path").rstrip("/") or "/"
    mode = part.natural("fileMode")
    uid, gid = (part.natural(key) or 0 for key in ("uid", "gid"))
    major, minor = part.natural("major", 12) or 0, part.natural("minor", 20) or 0  # as Linux has
    return Device(
        path=path, type=kind, major=major, minor=minor, uid=uid, gid=gid,
        mode=0o666 if mode is None else mode & 0o7777,
    )  # fmt: skip


def hooks(config: Part) -> dict[str, list[Hook]]:
    """Read the six kinds of hooks."""
    part = config.part("hooks")
    found = {}
    for kind in HOOKS:
        found[kind] = [hook(item) for item in part.parts(kind)]
    return found


def hook(part: Part) -> Hook:
    """Read one hook: an absolute path, and seconds that are more than 0."""
    path, timeout = part.must("path"), part.number("timeout")
    if not path.startswith("/"):
        raise UsageError(f"config.json: {part.where}.path is not an absolute path")
    if timeout is not None and timeout <= 0:
        raise UsageError(f"config.json: {part.where}.timeout is not more than 0")
    env = part.texts("env") if part.has("env") else None
    return Hook(path=path, args=part.texts("args") or [path], env=env, timeout=timeout)


def offsets(linux: Part) -> str:
    """Return the lines of /proc/PID/timens_offsets. time_namespaces(7)"""
    part = linux.part("timeOffsets")
    lines = ""
    for clock in part.values:
        if clock not in ("monotonic", "boottime"):
            raise UsageError(f"config.json: timeOffsets.{clock} is no clock that can be moved")
        one = part.part(clock)
        lines += f"{clock} {one.number('secs', 0)} {one.natural('nanosecs') or 0}\n"
    return lines
