"""RUN: what is run, with which mounts, and what is kept of it."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import NamedTuple

from minidocker.build import layers, mounts, own
from minidocker.build.addition import Addition, Owner
from minidocker.build.at_work import AtWork
from minidocker.build.copying import copy
from minidocker.build.dockerfile import Instruction
from minidocker.build.mounts import Mount
from minidocker.build.running import Container
from minidocker.build.settings import command
from minidocker.build.state import PROXIES
from minidocker.build.substitute import Words
from minidocker.build.tree import parts, resolve
from minidocker.build.wrong import BuildError
from minidocker.images.store import files, oci, recipes
from minidocker.images.store.partial import Partial

SCRIPT = "/run/minidocker-heredoc"
SANDBOX = "buildkitsandbox"  # the host name of each RUN, as in Docker
NETWORKS = ("default", "none", "host")
OURS, OURS_TOO = ("PATH", "HOME"), ("LD_", "PYTHON", "MINIDOCKER_", "XDG_")
LAST_WORDS = 40  # lines of a failed step that are shown again where nothing was shown


class Asked(NamedTuple):
    """A RUN as it will be run: `script` is the text of a heredoc that names its interpreter."""

    words: list[str]
    env: dict[str, str]
    mounts: list[Mount]
    network: str
    script: str


def run(steps: AtWork, one: Instruction, words: Words) -> bool:
    """Do a RUN; True where its layer was remembered. BuildError where the command fails."""
    state, request = steps.state, steps.request
    asked = read(steps, one, words)
    binds = {mount.target: bound(steps, mount, one.number) for mount in asked.mounts
             if mount.kind == "bind"}  # fmt: skip
    shown = {name: text for name, text in asked.env.items() if name not in PROXIES}
    settings = [state.config.get("User"), state.config.get("WorkingDir"), asked.network]
    said = [sorted(mount.words.items()) for mount in asked.mounts]
    run: list[object] = [asked.words, asked.script, shown, settings, *request.walls]
    if "cache_key" in request.own:
        rest = [*steps.base()[1:], run, said, binds]
        key = own.key(steps, f"RUN {shlex.join(asked.words)}", {}, rest, one.number)
    else:
        key = layers.key_of(steps.base(), "RUN", run, said, binds)
    recipe = {} if request.no_cache else recipes.find(steps.store, key)
    cached = bool(recipe)
    recipe = recipe or made(steps, one, asked, key, binds)
    args = [f"{name}={text}" for name, text in state.args.items()]
    note = " ".join([f"|{len(args)}", *args, ""] if args else []) + " ".join(asked.words)
    state.note(f"RUN {note}", layers.of_recipe(recipe), recipe["created"])
    return cached


def read(steps: AtWork, one: Instruction, words: Words) -> Asked:
    """Read what a RUN asks for: its command, variables, mounts and network."""
    state, script = steps.state, ""
    texts = command(state, one)
    if one.heredocs and one.exec is None:
        alone = one.rest.startswith("<<") and len(one.rest.split()) == 1
        script = one.heredocs[0].text if alone else ""
        texts = [*state.shell(), script] if alone else [*state.shell(), with_heredocs(one)]
        if script.startswith("#!"):
            texts = [SCRIPT]
        else:
            script = ""
    network = words.word(one.flag("network") or "default")
    if network not in NETWORKS:
        raise BuildError(one.number, f"RUN --network={network} is none of {', '.join(NETWORKS)}",
                         "--network=none", f'unsupported network mode: "{network}"')  # fmt: skip
    if network == "host" != steps.request.network:  # whose text this is may be a stranger
        raise BuildError(one.number, "RUN --network=host: a Dockerfile alone cannot ask for that",
                         "minidocker build --network host …", "network.host is not allowed")
    if network == "default":
        network = steps.request.network
    env = {**steps.request.proxies(), **state.args, **state.env()}
    return Asked(texts, env, mounts.read(state, one, words), network, script)


def with_heredocs(one: Instruction) -> str:
    """Return a shell's line with the texts that its << ask for."""
    texts = [f"{doc.text}{doc.name}\n" for doc in one.heredocs]
    return one.rest + "\n" + "".join(texts)


def bound(steps: AtWork, mount: Mount, line: int) -> str:
    """Return the digest of the layer that holds what a bind mount shows: /m in it."""

    def work() -> oci.Json:
        below = layers.tree_of(steps.store, [])
        addition = Addition(below, Owner(None, None), line, steps.request.newest())
        source = steps.source(mount.origin, line)
        copy(addition, source, [mount.source], "/m")
        key = layers.key_of("bind", addition.fingerprint(), steps.request.epoch)
        return layers.of_addition(steps.store, addition, key, steps.when(), True)

    return str(layers.as_owner(work)["layer"])


def made(
    steps: AtWork, one: Instruction, asked: Asked, key: str, binds: dict[str, str]
) -> oci.Json:
    """Run the command, and keep what it has changed."""
    store, state = steps.store, steps.state
    heard: list[bytes] = []

    def hear(line: bytes) -> None:
        steps.say(line)
        heard.append(line)
        del heard[:-LAST_WORDS]

    with contextlib.ExitStack() as stack:
        work = stack.enter_context(Partial(store))
        environment: dict[str, str] = {}
        options = mounted(steps, asked, binds, work, stack, one.number, environment)
        options += ["-h", SANDBOX]
        options += steps.request.walls
        for layer in layers.directories(store, steps.hexes()):
            options += ["--layer", layer]
        for name, text in asked.env.items():
            options += ["-e", f"{name}={text}"]
        if asked.network:
            options += ["--network", asked.network]
        if user := state.config.get("User"):
            options += ["-u", user]
        options += ["-w", str(state.config.get("WorkingDir") or "/").rstrip("/") or "/"]
        container = stack.enter_context(Container(store.root))
        if not steps.hexes():
            raise BuildError(one.number, "RUN needs a base with files: scratch has none",
                             "COPY a program first, or FROM an image")  # fmt: skip
        status = container.run(options, asked.words, hear, environment)
        if status:
            raise failed(steps, one, asked, status, heard)
        with container.held() as record:
            upper = os.path.join(record["directory"], "upper")
            stubs = [resolve(layers.tree_of(store, steps.hexes()), mount.target, one.number)
                     for mount in asked.mounts if mount.target]  # fmt: skip
            stubs += [parts(SCRIPT)] if asked.script else []
            pack, epoch = steps.request.own.get("pack"), steps.request.epoch
            recipe = layers.as_owner(
                lambda: layers.of_upper(
                    store, upper, steps.hexes(), key, steps.when(), epoch, stubs, pack
                )
            )
            return own.packed(steps, recipe)


def failed(
    steps: AtWork, one: Instruction, asked: Asked, status: int, heard: list[bytes]
) -> BuildError:
    """Return the error for a command that failed; where nothing was shown, show its last words."""
    if steps.request.quiet:
        for line in heard:
            steps.request.say(line)
    how = f"ended with status {status}"
    if status > 128:
        how = f"was killed by signal {status - 128}"
    text = files.printable(one.rest if len(one.rest) < 200 else one.rest[:200] + "…")
    hint = "its output stands above; the steps before it are remembered"
    if status == 125:
        how = "could not be started"
    docker = f"The command '{' '.join(asked.words)[:200]}' returned a non-zero code: {status}"
    return BuildError(one.number, f"RUN {text}: the command {how}", hint, docker)


def mounted(
    steps: AtWork, asked: Asked, binds: dict[str, str], work: Partial,
    stack: contextlib.ExitStack, line: int, environment: dict[str, str],
) -> list[str]:  # fmt: skip
    """Return the options of `run` for all mounts of a RUN; secrets may go into `environment`."""
    found: list[str] = []
    if asked.script:
        path = work.path("script")
        write_private(path, asked.script.encode("utf-8", "surrogateescape"), 0o755)
        found += mounts.option(path, Mount("bind", SCRIPT, {}))
    for index, mount in enumerate(asked.mounts):
        if mount.kind == "tmpfs":
            found += mounts.tmpfs(mount)
        elif mount.kind == "bind":
            layer = binds[mount.target]
            found += mounts.option(steps.store.path("layers", "sha256", layer, "fs", "m"), mount)
        elif mount.kind == "cache":
            cache = mounts.Cache(steps.store, mount, line)
            stack.callback(cache.close)
            found += mounts.option(cache.path, mount, mount.writable)
        else:
            found += secret(steps, mount, work.path(f"secret-{index}"), line, environment)
    return found


def secret(
    steps: AtWork, mount: Mount, path: str, line: int, environment: dict[str, str]
) -> list[str]:
    """Return the options that show a secret, as a file or a variable; it is in no layer."""
    name = mount.words["id"]
    given = steps.request.secrets.get(name)
    if given is None:
        if mount.words.get("required") in ("true", "1"):
            raise BuildError(line, f"the secret {name} is required, and was not given",
                             f"--secret id={name},src=FILE",
                             f"secret {name}: not found")  # fmt: skip
        return []
    found = []
    if variable := mount.words.get("env"):
        if variable in OURS or variable.startswith(OURS_TOO):
            raise BuildError(line, f"env={variable} would change the runtime itself", "env=TOKEN")
        environment[variable] = given.data.decode("utf-8", "surrogateescape")
        found += ["-e", variable]  # the value is on no command line
    if mount.target:
        write_private(path, given.data, mounts.number(mount, "mode", line, 8, 0o400))
        uid, gid = mounts.number(mount, "uid", line), mounts.number(mount, "gid", line)
        if uid or gid:
            layers.as_owner(lambda: owned(path, uid, gid))
        found += mounts.option(path, mount)
    return found


def owned(path: str, uid: int, gid: int) -> oci.Json:
    """Give a file to an owner of the container's."""
    os.chown(path, uid, gid)
    return {}


def write_private(path: str, data: bytes, mode: int) -> None:
    """Write a new file that nobody else could read meanwhile."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        while data:
            data = data[os.write(fd, data) :]
        os.fchmod(fd, mode)
    finally:
        os.close(fd)
