"""Plan: from the options of `run` to a Spec and the stages that will build it."""

from __future__ import annotations

import os
import sys

from minidocker.errors import NotFound, UsageError
from minidocker.plan.rights import secure
from minidocker.spec.spec import (
    DEFAULT_PATH,
    Net,
    Process,
    Resources,
    Root,
    Spec,
)
from minidocker.spec.words import (
    parse_cpus,
    parse_number,
    parse_size,
    parse_tmpfs,
    parse_volume,
)
from minidocker.stages import by_name, choose

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

    from minidocker.images.store.image import Image
    from minidocker.images.store.store import Store
    from minidocker.spec.spec import Ids, Mount
    from minidocker.stages.base import Stage

LAB_MARKER = "/etc/minidocker-lab"


def plan(
    options: dict[str, Any], words: list[str], store: Store, touch: bool = True
) -> tuple[Spec, list[type[Stage]]]:
    """Turn options and the words after them into (Spec, chosen stages, learners' parts in place).

    `touch` False (a dry run) looks at no file: paths and images are taken as given.
    """
    chosen = choose(options.get("stages", ""))
    rootfs = any(stage.name == "rootfs" for stage in chosen)
    words = list(words)
    image = None
    image_name = ""
    root = Root(path="", layers=[], readonly=bool(options.get("read-only")))
    if rootfs:
        image_name = _root(root, options, words, chosen)
        if image_name and touch:
            image = store.resolve(image_name)
            root.layers = image.layers
        elif image_name:
            root.layers = [f"{store.root}/layers/{image_name}"]
    elif options.get("rootfs") or options.get("layer"):
        raise UsageError(
            "--rootfs and --layer need the stage rootfs, and --stages leaves it out",
            "--stages ..rootfs",
        )
    id = os.urandom(6).hex()
    sharing = _sharing(options, chosen)
    hostname = options.get("hostname") or (os.uname().nodename if "uts" in sharing else id)
    for option, text in (("hostname", hostname), ("domainname", options.get("domainname", ""))):
        if len(os.fsencode(text)) > 64:
            raise UsageError(
                f"--{option} is longer than 64 bytes, the kernel's limit", "a shorter name"
            )
        if " " in text or not text.isprintable():  # it becomes a word of /etc/hosts
            raise UsageError(f"--{option} {text!r} is no name", "letters, digits, - and .")
    boottime = _boottime(options, chosen)
    ids = _ids(options, chosen)
    left_out = {name for name, wish in (("time", boottime), ("user", ids)) if wish is None}
    chosen = [stage for stage in chosen if stage.name not in left_out]
    spec = Spec(
        id=id,
        name=_name(options.get("name", "")),
        image=image_name,
        remove=bool(options.get("rm")),
        init=_init(options, chosen),
        hostname=hostname,
        domainname=options.get("domainname", ""),
        boottime=boottime,
        sharing=sharing,
        shm_size=parse_size(options["shm-size"], "--shm-size") if "shm-size" in options else None,
        process=_process(options, words, image, rootfs),
        root=root,
        mounts=_mounts(options, touch),
        net=_net(options, chosen),
        resources=_resources(options, chosen),
        stages=[stage.name for stage in chosen],
    )
    spec.linux = secure(options, spec.process, spec.stages, store.root, touch)
    spec.linux.ids = ids
    if options.get("tty"):
        spec.process.env.insert(0, f"TERM={os.environ.get('TERM', 'xterm')}")
    return spec, adopted(chosen, options)


def _root(root: Root, options: dict[str, Any], words: list[str], chosen: list[type[Stage]]) -> str:
    """Fill in the root directory or layers; return the image's name, taken from the words."""
    layers = any(stage.name == "layers" for stage in chosen)
    if options.get("rootfs") and options.get("layer"):
        raise UsageError("--rootfs and --layer are two ways to say the same", "leave one out")
    if "rootfs" in options:
        root.path = _rootfs(options["rootfs"], not options.get("dry-run"))
        return ""
    if not layers:
        raise UsageError(
            "an image is made of layers, and --stages leaves the stage layers out",
            "--stages ..layers   or   --rootfs DIR",
        )
    if options.get("layer"):
        for path in options["layer"]:
            if not options.get("dry-run") and not os.path.isdir(path):
                raise NotFound(f"--layer {path}: there is no such directory", "give a directory")
        root.layers = [os.path.abspath(path) for path in options["layer"]]
        return ""
    if not words or not words[0]:
        raise UsageError("run needs an IMAGE", "minidocker run base   (minidocker image ls)")
    return words.pop(0)


def _rootfs(path: str, touch: bool) -> str:
    """Check --rootfs: an absolute directory, whose mount points are directories."""
    if not path.startswith("/"):
        raise UsageError(
            f"--rootfs {path} is not an absolute path", f"--rootfs {os.path.abspath(path)}"
        )
    path = "/" + os.path.normpath(path).strip("/")
    if path == "/":
        raise UsageError(
            "--rootfs / is the host's own root", "--stages ..mounts   keeps the host's root"
        )
    if touch and not os.path.isdir(path):
        raise NotFound(f"--rootfs {path}: there is no such directory", "unpack an image there")
    for name in ("proc", "dev", "sys"):  # a mount on a link would land where the link leads
        if touch and os.path.islink(f"{path}/{name}"):
            raise UsageError(
                f"--rootfs {path}: its {name} is a symbolic link", "make it an empty directory"
            )
    return path


def _process(
    options: dict[str, Any], words: list[str], image: Image | None, rootfs: bool
) -> Process:
    """Put the command together as Docker does: entrypoint, then the words or the image's Cmd."""
    config = image.config if image else {}
    entrypoint = list(config.get("Entrypoint") or [])
    command = words or list(config.get("Cmd") or [])
    if "entrypoint" in options:
        entrypoint = [options["entrypoint"]] if options["entrypoint"] else []
        command = words
    args = entrypoint + command or ["/bin/sh"]
    cwd = options.get("workdir") or config.get("WorkingDir") or ("/" if rootfs else os.getcwd())
    if not cwd.startswith("/"):
        raise UsageError(f"-w {cwd} is not an absolute path", f"-w /{cwd}")
    env = [] if rootfs else [f"{k}={v}" for k, v in os.environ.items()]
    return Process(
        args=args,
        env=_env(env, config.get("Env") or [], options),
        cwd=cwd,
        user=options.get("user") or config.get("User") or "",
        terminal=bool(options.get("tty")),
        interactive=bool(options.get("interactive")),
    )


def _env(base: list[str], image: list[str], options: dict[str, Any]) -> list[str]:
    """Merge variables: ours, the image's, --env-file, -e. The last one of a name wins."""
    given: list[str] = []
    for file in options.get("env-file", []):
        try:
            with open(file, encoding="utf-8", errors="surrogateescape", newline="") as stream:
                text = stream.read()
        except OSError as problem:
            raise NotFound(
                f"--env-file {file}: {problem.strerror}", "give a readable file"
            ) from None
        kept = [line.removesuffix("\r").lstrip() for line in text.split("\n")]
        given += [line for line in kept if line and line[0] != "#"]
    given += options.get("env", [])
    merged = {"PATH": DEFAULT_PATH}
    for item in [*base, *image, *given]:
        name, equals, value = item.partition("=")
        if not name:
            raise UsageError(f"-e {item!r} has no name", "-e NAME=VALUE")
        if equals:
            merged[name] = value
        elif name in os.environ:
            merged[name] = os.environ[name]
        else:
            merged.pop(name, None)
    return [f"{name}={value}" for name, value in merged.items()]


def _mounts(options: dict[str, Any], touch: bool) -> list[Mount]:
    """Read -v and --tmpfs; a volume's source must exist: we do not make directories on the host."""
    mounts = [parse_tmpfs(text) for text in options.get("tmpfs", [])]
    for text in options.get("volume", []):
        mount = parse_volume(text)
        if touch and not os.path.exists(mount.source):
            raise NotFound(f"-v {text}: {mount.source} does not exist", f"mkdir -p {mount.source}")
        mount.options = "dir" if not touch or os.path.isdir(mount.source) else "file"
        mounts.append(mount)
    return mounts


def _resources(options: dict[str, Any], chosen: list[type[Stage]]) -> Resources:
    """Read the limits."""
    memory = (parse_size(options["memory"], "-m") if "memory" in options else 0) or None
    swap = None
    if options.get("memory-swap", "0") != "0":  # as in Docker, 0 is "nothing said", for both
        text = options["memory-swap"]
        swap = -1 if text == "-1" else parse_size(text, "--memory-swap")
        if memory is None:
            raise UsageError("--memory-swap needs --memory", "-m 64m --memory-swap 128m")
        if 0 <= swap < memory:
            raise UsageError(
                "--memory-swap counts memory and swap together, so it is at least --memory",
                "-m 64m --memory-swap 64m   (no swap)",
            )
    pids = (
        parse_number(options["pids-limit"], "--pids-limit", -1) if "pids-limit" in options else None
    )
    resources = Resources(
        memory=memory,
        swap=swap,
        cpus=parse_cpus(options["cpus"]) if "cpus" in options else None,
        shares=parse_number(options["cpu-shares"], "--cpu-shares")
        if "cpu-shares" in options
        else None,
        pids=-1 if pids == 0 else pids,
    )
    if resources.asked() and all(stage.name != "cgroup" for stage in chosen):
        raise UsageError(
            "limits need the stage cgroup, and --stages leaves it out", "--stages ..cgroup"
        )
    return resources


def _sharing(options: dict[str, Any], chosen: list[type[Stage]]) -> dict[str, str]:
    """Read --ipc, --uts, --pid and --network: {"ipc": "host" or "container:NAME"}, no private."""
    found = {}
    for option, name in (("ipc", "ipc"), ("uts", "uts"), ("pid", "pid"), ("network", "net")):
        if option not in options:
            continue
        mode, own = options[option], "none" if option == "network" else "private"
        modes = [own, "host"] + (["container:NAME"] if option != "uts" else [])
        modes += ["bridge", "a network's NAME"] if option == "network" else []
        kind, _, other = mode.partition(":")
        if mode == own or (option == "network" and is_network(mode)):
            continue
        if mode != "host" and not (kind == "container" and other and option != "uts"):
            raise UsageError(f"--{option} {mode!r} is no mode", f"one of {', '.join(modes)}")
        if mode != "host" and all(stage.name != option for stage in chosen):
            raise UsageError(
                f"--{option} {mode} needs the stage {option}, and --stages leaves it out",
                f"add {option} to --stages",
            )
        found[name] = mode
    for option, name in (("hostname", "uts"), ("domainname", "uts"), ("init", "pid")):
        if options.get(option) and name in found:
            raise UsageError(
                f"--{option} changes what --{name} {found[name]} shares with others",
                "leave one out",
            )
    if "shm-size" in options and "ipc" in found:
        raise UsageError("--shm-size is for a /dev/shm of its own", "leave --ipc or --shm-size out")
    return found


def is_network(mode: str) -> bool:
    """Say whether --network names a network, and none of the modes that need no cable."""
    return mode not in ("none", "host") and ":" not in mode


def _net(options: dict[str, Any], chosen: list[type[Stage]]) -> Net | None:
    """Read --network NAME, -p, --ip and --network-alias; ports alone ask for the default bridge."""
    asked = [o for o in ("publish", "ip", "network-alias") if o in options]
    mode = options.get("network", "bridge" if asked else "none")
    if not is_network(mode):
        if asked:
            raise UsageError(f"--{asked[0]} needs a network of its own", "--network bridge")
        return None
    if all(stage.name != "network" for stage in chosen):
        raise UsageError(
            "a network needs the stage network, and --stages leaves it out", "--stages ..network"
        )
    from minidocker.net.addresses import number
    from minidocker.net.ports import parse

    try:
        number(options.get("ip", "0.0.0.0"))
    except ValueError:
        raise UsageError(f"--ip {options['ip']} is no IPv4 address", "--ip 10.77.0.9") from None
    return Net(
        name=_name(mode, "--network"),
        address=options.get("ip", ""),
        aliases=[_name(alias, "--network-alias") for alias in options.get("network-alias", [])],
        ports=[port for text in options.get("publish", []) for port in parse(text)],
    )


def _boottime(options: dict[str, Any], chosen: list[type[Stage]]) -> int | None:
    """Read --boottime-offset: whole seconds, also negative; None when it is not there."""
    if "boottime-offset" not in options:
        return None
    if all(stage.name != "time" for stage in chosen):
        raise UsageError(
            "--boottime-offset needs the stage time, and --stages leaves it out", "--stages ..time"
        )
    text = options["boottime-offset"]
    if not text.removeprefix("-").removeprefix("+").isdecimal():
        raise UsageError(
            f"--boottime-offset {text!r} is not a whole number of seconds",
            "such as --boottime-offset 86400   (one day)",
        )
    return int(text)


def _init(options: dict[str, Any], chosen: list[type[Stage]]) -> bool:
    if options.get("init") and all(stage.name != "pid" for stage in chosen):
        raise UsageError(
            "--init is PID 1's work, and --stages leaves the stage pid out", "--stages pid,…"
        )
    return bool(options.get("init"))


def _name(name: str, option: str = "--name") -> str:
    """Check --name and its like: letters, digits, "_", "." and "-"; first a letter or digit."""
    if name and not (
        name[0].isalnum() and name.isascii() and all(c.isalnum() or c in "_.-" for c in name)
    ):
        raise UsageError(
            f"{option} {name!r} is not a name", f"letters, digits, _ . - such as {option} web-1"
        )
    return name


def adopted(chosen: list[type[Stage]], options: dict[str, Any]) -> list[type[Stage]]:
    """Put learners' parts in: every --stage NAME=FILE, and with --mine all of exercises/."""
    wanted: list[tuple[str, list[str], str, bool]] = []
    if options.get("mine"):
        wanted += mine()
    for text in options.get("stage", []):
        name, equals, file = text.partition("=")
        if not equals or not file:
            raise UsageError(
                f"--stage {text!r} is not NAME=FILE", "--stage pid=exercises/01_pid.py"
            )
        wanted.append((name, list(by_name(name).parts), file, True))
    if not wanted:
        return chosen
    if sys.flags.no_site:
        import site

        site.main()  # a learner's file may import what is installed
    from minidocker.runtime.adopt import adopt

    stages = {stage.name: stage for stage in chosen}
    for name, parts, file, strict in wanted:
        if name not in stages:
            if strict:
                raise UsageError(f"--stage {name}=…: --stages leaves that stage out", f"add {name}")
            continue
        stages[name] = adopt(stages[name], parts, file)
    return [stages[stage.name] for stage in chosen]


def mine() -> list[tuple[str, list[str], str, bool]]:
    """List the parts that the learner has written, by course.toml: (stage, parts, file, False).

    A function that is still the starter's is left out, and the reference serves instead.
    MINIDOCKER_EXERCISES names another directory than the course's exercises/.
    """
    from pathlib import Path

    from minidocker.course import exercise_file, manifest

    course = manifest.load()
    directory = Path(os.environ.get("MINIDOCKER_EXERCISES") or course.root / "exercises")
    found = []
    for lesson in course.lessons:
        changed = exercise_file.changed(course, lesson, directory)
        by_stage: dict[str, list[str]] = {}
        for function in lesson.functions:
            if function.stage and function.name in changed:
                by_stage.setdefault(function.stage, []).append(function.name)
        file = os.path.relpath(directory / lesson.file)
        found += [(stage, parts, file, False) for stage, parts in by_stage.items()]
    return found


def warn_outside_the_lab(options: dict[str, Any], store: Store) -> str:
    """Say once that a learner's own code is about to run as root on no lab machine; "" later."""
    if not options.get("mine") or os.geteuid() or os.path.exists(LAB_MARKER):
        return ""
    marker = store.path("warned")
    if os.path.exists(marker):
        return ""
    os.makedirs(store.root, 0o711, exist_ok=True)
    with open(marker, "w", encoding="ascii"):
        pass
    return (
        "--mine runs your code as root on this machine. A mistake in it can harm the machine;\n"
        "  in the lab machine (minidocker vm up) nothing can be harmed. This is said once."
    )


def _ids(options: dict[str, Any], chosen: list[type[Stage]]) -> Ids | None:
    """Return the ids of a user namespace; None for a plain run of root's."""
    if not os.geteuid() and not any(
        options.get(name) for name in ("userns", "uidmap", "gidmap", "stages")
    ):
        return None
    from minidocker.spec import ids

    if not ids.asked(options):
        return None
    if all(stage.name != "user" for stage in chosen):
        raise UsageError(
            "this needs the stage user, and --stages leaves it out" if not os.geteuid()
            else "an ordinary user needs the stage user, and --stages leaves it out",
            "add user to --stages",
        )  # fmt: skip
    return ids.choose(options)
