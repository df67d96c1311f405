"""Kit: what lies in the exam's room: the package with holes, the exercises, and programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable

from minidocker.exam import holes
from minidocker.exam.asked import Asked
from minidocker.exam.yard import OPT

CONF = """\
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1000:2000"]
log_driver = "k8s-file"
netns = "none"
apparmor_profile = "unconfined"
label = false
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
PROGRAM = """\
#!/bin/sh
export PYTHONPATH={opt} PYTHONDONTWRITEBYTECODE=1 MINIDOCKER_MINE={opt}/exercises
export MINIDOCKER_EXERCISES={opt}/exercises MINIDOCKER_PARTS={opt}/{parts} MINIDOCKER_ROOM=1
exec {python} -c 'import sys; from minidocker.{start}' "$@"
"""
RUNTIME = "__main__ import runtime; sys.exit(runtime())"
COMMAND = "cli import main; sys.exit(main(sys.argv[1:]))"
# Lets NAME:all stand for an index of manifests of a registry: OS/ARCHITECTURE=TAG …
INDEX = """\
import hashlib, http.client, json, sys

def ask(method, tag, data=None):
    kinds = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
    there = http.client.HTTPConnection(host, timeout=20)
    there.request(method, f"/v2/{name}/manifests/{tag}", data,
                  {"Accept": kinds, "Content-Type": "application/vnd.oci.image.index.v1+json"})
    answer = there.getresponse()
    assert answer.status < 300, (method, tag, answer.status)
    return answer.read()

host, name, *pairs = sys.argv[1:]
entries = []
for pair in pairs:
    platform, _, tag = pair.partition("=")
    data = ask("GET", tag)
    entries.append({
        "mediaType": json.loads(data)["mediaType"], "size": len(data),
        "digest": "sha256:" + hashlib.sha256(data).hexdigest(),
        "platform": dict(zip(("os", "architecture"), platform.split("/"))),
    })
document = {"schemaVersion": 2, "manifests": entries,
            "mediaType": "application/vnd.oci.image.index.v1+json"}
ask("PUT", "all", json.dumps(document).encode())
"""
DOCKERFILE = "FROM base\nRUN echo $((6 * 7)) > /answer\nCMD [\"cat\", \"/answer\"]\n"
COPYING = "FROM base\nCOPY answer /answer\nCMD [\"cat\", \"/answer\"]\n"


def files(yours: list[Asked], texts: dict[str, str]) -> dict[str, bytes]:
    """Return what lies in the room: path below OPT → content.

    yours: the functions that containers are made with; each is a hole in the package.
    """
    found = holes.package((one.stage, one.name) for one in yours if one.stage)
    for name, text in texts.items():
        if text:
            found[f"exercises/{name}"] = text.encode()
    first = [one for one in yours if one.name != "set_names"]
    for name, some in (("", yours), ("-first", first)):
        found[f"parts{name}"] = parts(some)
        found[f"bin/minidocker-runtime{name}"] = program(f"parts{name}", RUNTIME)
    found["bin/runc"] = found["bin/minidocker-runtime"]  # dockerd looks for one before all else
    found["bin/rootlesskit-docker-proxy"] = b'#!/bin/sh\nexec docker-proxy "$@"\n'
    found["bin/minidocker"] = program("parts", COMMAND)
    found["index.py"] = INDEX.encode()
    found["containers.conf"] = CONF.encode()
    found["context/Dockerfile"] = DOCKERFILE.encode()
    found["copying/Dockerfile"], found["copying/answer"] = COPYING.encode(), b"42\n"
    return found


def profile(errno: int) -> bytes:
    """Write a seccomp profile that refuses one thing: to make a directory."""
    refusal = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno}
    return json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refusal]}).encode()


def parts(yours: Iterable[Asked]) -> bytes:
    """Write the list that MINIDOCKER_PARTS names: a line for each stage and file."""
    lines: dict[tuple[str, str], list[str]] = {}
    for one in yours:
        for what in [one.stage] if one.stage else [f"serves:{word}" for word in one.serves]:
            lines.setdefault((what, one.file), []).append(one.name)
    return "".join(
        f"{stage} {OPT}/exercises/{file} {' '.join(names)}\n"
        for (stage, file), names in lines.items()
    ).encode()


def program(parts: str, start: str) -> bytes:
    """Write a program that starts the package of the room; Podman passes on no variables."""
    python = os.path.realpath(sys.executable)
    return PROGRAM.format(opt=OPT, parts=parts, python=python, start=start).encode()
