"""A build: the stages that are needed, each in a process of its own, those at once that can be.

    request ─► graph ─► stage ─┬─► stage ─► the image, under its names
                        stage ─┘
"""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import Any, NoReturn

from minidocker.build import layers
from minidocker.build.graph import Graph, Node
from minidocker.build.request import Request
from minidocker.build.state import State, from_json
from minidocker.build.steps import Steps
from minidocker.build.wrong import BuildError
from minidocker.errors import MinidockerError
from minidocker.images.store import carry, changes, files, oci, overlay_check
from minidocker.kernel.flags import PR_SET_PDEATHSIG
from minidocker.kernel.linux import Linux

LONGEST = 1 << 26  # bytes that a stage may tell


class Ended(Exception):
    """A stage was told to end, since another one failed."""


class Build:
    """One build. `run(names)` does it, and returns the image's id in hex."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.store = request.store
        self.running: dict[int, tuple[int, int]] = {}  # pipe → (pid, index of the stage)
        self.done: dict[int, State] = {}

    def run(self, names: list[str]) -> str:
        """Build, and name the image; an error leaves no image, no container and no half layer."""
        layers.as_owner(self._make_ready)
        graph = Graph(self.request)
        numbers = self._numbers(graph)
        try:
            self._stages(graph, numbers)
        finally:
            self._end_all()
        state = self.done[graph.target]
        if self.request.labels:
            state.config["Labels"] = {**(state.config.get("Labels") or {}), **self.request.labels}
            texts = [f"{name}={text}" for name, text in self.request.labels.items()]
            state.note("LABEL " + " ".join(texts), None, state.created)
        if not state.layers:
            raise BuildError(0, "the image would have no files at all", "COPY something")
        blobs = [blob for _, blob in state.layers]
        document = state.document()
        answer = layers.as_owner(
            lambda: {"id": layers.put_image(self.store, names, document, blobs)}
        )
        return str(answer["id"])

    def _make_ready(self) -> oci.Json:
        os.makedirs(self.store.root, 0o711, exist_ok=True)
        overlay_check.check(self.store)
        carry.ready(self.store)
        changes.sweep(self.store)
        return {}

    def _numbers(self, graph: Graph) -> dict[int, int]:
        """Return the number of each stage's first step, as people see it."""
        found, number = {}, 1
        for index in graph.waves():
            found[index] = number
            number += 1 + len(graph.nodes[index].steps)
        return found

    def _stages(self, graph: Graph, numbers: dict[int, int]) -> None:
        waiting = graph.waves()
        most = os.cpu_count() or 1
        while waiting or self.running:
            for index in list(waiting):
                ready = graph.nodes[index].needs() <= set(self.done)
                if ready and len(self.running) < most:
                    waiting.remove(index)
                    self._start(graph, graph.nodes[index], numbers[index])
            self._wait()

    def _start(self, graph: Graph, node: Node, number: int) -> None:
        """Build a stage in a child: it tells its state, or what went wrong, through a pipe."""
        states = {
            name: self.done[one] if isinstance(one, int) else graph.images[one]
            for name, one in [("", node.base), *node.others.items()]
        }
        read, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            for pipe in self.running:
                os.close(pipe)
            child(self.request, graph.head, node, states, number, (write, parent))
        os.close(write)
        self.running[read] = (pid, node.place)

    def _wait(self) -> None:
        """Wait until some stage has ended; raise what went wrong in it."""
        ready, _, _ = select.select(list(self.running), [], [])
        for pipe in ready:
            data = b""
            while piece := os.read(pipe, 1 << 16):
                data += piece
            pid, index = self.running.pop(pipe)
            os.close(pipe)
            _, status = os.waitpid(pid, 0)
            answer: dict[str, Any] = files.read_json(data) if data else {}
            if "wrong" in answer:
                raise BuildError(0, *answer["wrong"])
            if "state" not in answer:
                raise MinidockerError(f"the process of a stage ended with status {status}")
            self.done[index] = from_json(answer["state"])

    def _end_all(self) -> None:
        """End the stages that still run, and wait until they have cleaned up."""
        for pid, _ in self.running.values():
            os.kill(pid, signal.SIGTERM)
        for pipe, (pid, _) in self.running.items():
            os.waitpid(pid, 0)
            os.close(pipe)
        self.running.clear()


def child(
    request: Request, head: dict[str, str], node: Node, states: dict[str, State], number: int,
    ends: tuple[int, int],
) -> NoReturn:  # fmt: skip
    """Be the process of one stage; what it starts is cleaned up however it ends.

    `ends` are the pipe to tell the end by, and the parent, without whom there is no use.
    """
    status, (write, parent) = 1, ends
    try:
        signal.signal(signal.SIGTERM, _end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the build, which ends us
        Linux().prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            raise Ended
        try:
            answer: oci.Json = {"state": stage(request, head, node, states, number).as_json()}
        except MinidockerError as problem:
            answer = {"wrong": [problem.message, problem.remedy, problem.docker]}
        data = files.as_json(answer)
        while data:
            data = data[os.write(write, data) :]
        status = 0
    except (Ended, KeyboardInterrupt):
        pass
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


def _end(number: int, _: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: cleaning up takes a moment
    raise Ended


def stage(
    request: Request, head: dict[str, str], node: Node, states: dict[str, State], number: int
) -> State:
    """Do the steps of a stage one after the other; return what it has become."""
    total = len(node.steps) + 1
    name = f"{node.stage.name or f'stage-{node.place}'} "
    if len(request.dockerfile.stages) == 1:
        name = ""

    def say(step: int, text: bytes) -> None:
        if not request.quiet:
            request.say(b"#%d %s" % (step, text))

    def title(step: int, text: str) -> None:
        words = f"[{name}{step}/{total}] {files.printable(text)[:300]}"
        say(number + step - 1, words.encode("utf-8", "surrogateescape"))

    title(1, f"FROM {node.stage.base}")
    steps = Steps(request, states[""].begin(), head, states, say)
    for step, one in enumerate(node.steps, 2):
        title(step, str(one))
        steps.do(number + step - 1, one)
    return steps.state
