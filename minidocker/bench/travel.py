"""Images that travel: pull and push of the same image at the same registry on loopback.

The registry is ours, `minidocker registry serve`, for all programs. Each pull begins with an empty
store, each push with an empty registry; making them so is not measured.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minidocker.bench import rivals
from minidocker.bench.clock import Clock
from minidocker.bench.own_files import pack
from minidocker.images.registry.shelf import Shelf
from minidocker.images.store import oci
from minidocker.proc.lean import children

LAYERS = 10
SKOPEO = (  # its policy, the image, and where to
    'mkdir -p "$2" && '
    'skopeo --policy "$0" copy -q --src-tls-verify=false "docker://$1" "oci:$2/l:x" && '
    'umoci unpack --image "$2/l:x" "$2/b"'
)


class Travel:
    """One image in a registry's directory, and the programs that fetch and send it."""

    def __init__(self, work: str, clock: Clock) -> None:
        self.work, self.clock = work, clock
        self.shelf = Shelf(os.path.join(work, "shelf"))
        self.policy = os.path.join(work, "policy.json")
        with open(self.policy, "w", encoding="ascii") as file:
            file.write('{"default":[{"type":"insecureAcceptAnything"}]}')

    def image(self, name: str, tars: Sequence[str]) -> int:
        """Put an image of these layers on the shelf; return its packed size."""
        diff_ids, layers = [], []
        for tar in tars:
            with open(tar, "rb") as file:
                data = file.read()
            diff_ids.append(hashlib.sha256(data).hexdigest())
            packed = gzip.compress(data, 1, mtime=0)
            layers.append(self._blob(name, oci.layer_type("gzip"), packed))
        config = oci.configuration({"Cmd": ["/bin/true"]}, diff_ids, [], oci.EPOCH)
        own = self._blob(name, oci.CONFIG_TYPE, json.dumps(config).encode())
        manifest = json.dumps(oci.manifest(own, layers)).encode()
        self.shelf.put_manifest(name, "1", oci.MANIFEST_TYPE, manifest)
        return sum(int(layer["size"]) for layer in layers)

    def _blob(self, name: str, kind: str, data: bytes) -> oci.Json:
        upload, hex = self.shelf.begin(), hashlib.sha256(data).hexdigest()
        with open(self.shelf.upload(upload), "wb") as file:
            file.write(data)
        self.shelf.finish(name, upload, f"sha256:{hex}")
        return oci.descriptor(kind, hex, len(data))

    @contextlib.contextmanager
    def registry(self, directory: str) -> Iterator[str]:
        """Serve a directory; yield the address."""
        process = subprocess.Popen(
            [*rivals.entry(), "registry", "serve", "--port", "0", "--directory", directory],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.clock.others.add(process.pid)
        try:
            assert process.stdout
            yield process.stdout.readline().strip().removeprefix("http://")
        finally:
            process.terminate()
            process.wait()
            self.clock.others.discard(process.pid)

    def place(self, program: str) -> str:
        """Return the directory of a program's store."""
        return os.path.join(self.work, program)

    def podman(self, *words: str) -> list[str]:
        """Return a command line of Podman's, with storage of its own."""
        place = self.place("podman")
        return ["podman", "--root", f"{place}/a", "--runroot", f"{place}/b", *words]

    def pulls(self, name: str) -> dict[str, Callable[[str], list[str]]]:
        """Return how each program that is installed pulls: address → command line."""
        return {
            "minidocker": lambda at: [*rivals.entry(), "pull", "-q", f"{at}/{name}:1"],
            "podman": lambda at: self.podman("pull", "-q", "--tls-verify=false", f"{at}/{name}:1"),
            "skopeo + umoci": lambda at: ["sh", "-c", SKOPEO, self.policy, f"{at}/{name}:1",
                                          self.place("skopeo")],
        }  # fmt: skip

    def pushes(self, name: str, source: str) -> dict[str, Callable[[str], list[str]]]:
        """Return how each pushes what it pulled from `source`."""
        words = ["push", "-q", "--tls-verify=false", f"{source}/{name}:1"]
        return {
            "minidocker": lambda at: [*rivals.entry(), "push", "-q", f"{at}/{name}:1"],
            "podman": lambda at: self.podman(*words, f"docker://{at}/{name}:1"),
            "skopeo": lambda at: [
                "skopeo", "--policy", self.policy, "copy", "-q", "--dest-tls-verify=false",
                f"oci:{self.place('skopeo')}/l:x", f"docker://{at}/{name}:1"],
        }  # fmt: skip

    def timed(self, argv: Sequence[str]) -> tuple[float, int, str]:
        """Run a command: (seconds, peak KiB of its largest process, why it failed)."""
        open(self.clock.errors, "w").close()
        os.sync()  # what earlier steps wrote must not be paid by this one
        began = time.perf_counter()
        pid = self.clock.spawn(argv, {"MINIDOCKER_ROOT": self.place("minidocker")})
        peak = 0
        while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
            peak = max(peak, *(high_water(one) for one in (pid, *children(pid))))
            time.sleep(0.01)
        wall = time.perf_counter() - began
        self.clock.reap()
        return wall, peak, self.clock.last_error() if ended[1] else ""


def high_water(pid: int) -> int:
    """Return the peak memory of a process in KiB; 0 when it has gone. VmHWM in proc(5)

    getrusage(2) would tell our own: a process that was spawned begins with its parent's peak.
    """
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            line = next((line for line in file if line.startswith("VmHWM:")), "VmHWM: 0")
    except OSError:
        return 0
    return int(line.split()[1])


def missing(program: str) -> str:
    """Say which program is not installed, with the line that installs it; "" where all are."""
    for word in program.split(" + "):
        if word != "minidocker" and not rivals.find(word):
            return f"not installed: apt-get install {word}"
    return ""


def measure(travel: Travel, name: str, runs: int, tick: Callable[[str], None]) -> list[Any]:
    """Return one row for each program: seconds of pull and push, MiB of the pull, ratios."""
    found: dict[str, dict[str, Any]] = {}
    with travel.registry(travel.shelf.directory) as source:
        pulls, pushes = travel.pulls(name), travel.pushes(name, source)
        for number in range(runs):
            for program, pull in pulls.items():
                blank: dict[str, Any] = {"name": program, "pull": [], "push": [], "kib": []}
                row = found.setdefault(program, blank)
                if why := missing(program):
                    row["problem"] = why
                if "problem" in row:
                    continue
                tick(f"{program} pull {number + 1}")
                seconds, kib, why = travel.timed(pull(source))
                row["pull"].append(seconds)
                row["kib"].append(kib)
                row |= {"problem": why} if why else {}
                if not why and (push := pushes.get(program.partition(" ")[0])):
                    row |= one_push(travel, row, push, source, name)
                clear(travel, program)
    return told(list(found.values()))


def one_push(
    travel: Travel, row: dict[str, Any], push: Callable[[str], list[str]], source: str, name: str
) -> dict[str, str]:
    """Push to an empty registry; the problem, if there was one."""
    fresh = os.path.join(travel.work, "fresh")
    with travel.registry(fresh) as there:
        if row["name"] == "minidocker":
            env = {**os.environ, "MINIDOCKER_ROOT": travel.place("minidocker")}
            words = [*rivals.entry(), "tag", f"{source}/{name}:1", f"{there}/{name}:1"]
            subprocess.run(words, env=env, check=True, capture_output=True)
        seconds, _, why = travel.timed(push(there))
    shutil.rmtree(fresh)
    row["push"].append(seconds)
    return {"problem": why} if why else {}


def clear(travel: Travel, program: str) -> None:
    """Empty a program's store."""
    place = travel.place(program.partition(" ")[0])
    if program == "podman":
        subprocess.run(["umount", "-q", f"{place}/a/overlay"], stderr=subprocess.DEVNULL)
    shutil.rmtree(place, ignore_errors=True)


def told(rows: list[dict[str, Any]]) -> list[Any]:
    """Return medians, and each program's time against ours."""
    table = []
    for row in rows:
        if "problem" in row:
            table.append({"name": row["name"], "problem": row["problem"]})
            continue
        median = {key: statistics.median(row[key]) for key in ("pull", "push", "kib")}
        table.append({
            "name": row["name"], "pull": round(median["pull"], 2), "push": round(median["push"], 2),
            "mib": round(median["kib"] / 1024, 1),
        })  # fmt: skip
    for row in table:
        if "problem" not in row and "problem" not in table[0]:
            row["ratio"] = round(row["pull"] / table[0]["pull"], 2)
    return table


def split(tar: str, count: int) -> list[str]:
    """Deal the plain files of an archive out to `count` archives beside it; return their names."""
    names = [f"{tar}.{number}" for number in range(count)]
    with contextlib.ExitStack() as stack:
        whole = stack.enter_context(tarfile.open(tar))
        parts = [stack.enter_context(tarfile.open(name, "w")) for name in names]
        files = (member for member in whole if member.isreg())
        for number, member in enumerate(files):
            parts[number % count].addfile(member, whole.extractfile(member))
    return names


def travelling(
    work: str, clock: Clock, quick: bool, tick: Callable[[str], None]
) -> dict[str, Any]:
    """Measure an image of many layers, and of one."""
    size = (30 if quick else 350) << 20
    free = shutil.disk_usage(work).free
    if free < 6 * size:
        return {"problem": f"needs {6 * size >> 20} MB free in {work}, {free >> 20} are"}
    tick("making an image of this machine's own files")
    tar = os.path.join(work, "image.tar")
    pack(tar, size)
    travel = Travel(work, clock)
    parts = split(tar, LAYERS)
    megabytes = travel.image("lab/many", parts) >> 20
    travel.image("lab/one", split(tar, 1))
    rows = []
    for name, what in (("lab/many", f"{LAYERS} layers"), ("lab/one", "one layer")):
        for row in measure(travel, name, 1 if quick else 3, tick):
            rows.append({**row, "name": f"{row['name']}, {what}"})
    for path in (tar, *parts, tar + ".0"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    shutil.rmtree(travel.shelf.directory)
    return {"mb": megabytes, "layers": LAYERS, "rows": rows, **worst(rows)}


def worst(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return our worst figures: seconds against podman's for the same image, and MiB of a pull."""
    measured = {row["name"]: row for row in rows if "problem" not in row}
    ours = {name: row for name, row in measured.items() if name.startswith("minidocker, ")}
    found = {"peak": max(row["mib"] for row in ours.values())} if ours else {}
    for key in ("pull", "push"):
        ratios = [
            row[key] / theirs[key] for name, row in ours.items()
            if (theirs := measured.get(name.replace("minidocker", "podman", 1)))
        ]  # fmt: skip
        if ratios:
            found[f"{key}_ratio"] = round(max(ratios), 2)
    return found
