"""`alias docker=minidocker`: thirty lines that people type every day, in one shell, one after the other."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from minidocker.verbs.words import MODULES

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

HEX = "[0-9a-f]{12,64}"
# The line, and what it prints: a pattern for all of its standard output.
LINES = [
    ("docker run --rm base echo hello", "hello"),
    ("docker run -d --name web --network none -e MODE=fast -l shop=open -v data:/data base sh -c "
     "'echo up; echo oops >&2; trap \"exit 0\" TERM; while :; do sleep 0.1; done'", HEX),
    ("docker ps", r"CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n.*Up .*web"),
    ("docker ps -q --filter name=web --no-trunc", HEX),
    ("docker ps -a --format '{{.Names}} {{.Image}} {{.State}}'", "web base running"),
    ("docker ps --format 'table {{.Names}}\\t{{.Status}}'", r"NAMES +STATUS\nweb +Up .*"),
    ("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' web", "running 0"),
    ("docker inspect --format '{{range .Mounts}}{{.Name}} -> {{.Destination}}{{end}}' web", "data -> /data"),
    ("docker inspect web | grep -c MODE=fast", "1"),
    ("docker exec web cat /etc/hostname", HEX),
    ("docker exec -e WHO=me -w /tmp web sh -c 'echo $WHO; pwd'", "me\n/tmp"),
    ("until docker logs web 2>/dev/null | grep up; do sleep 0.1; done", "up"),
    ("docker logs --tail 1 web 2>&1 | grep -c .", "1"),
    ("docker top web -o pid,args | head -1", r" *PID COMMAND"),
    ("echo note > note; docker cp note web:/tmp/note", ""),
    ("docker cp web:/tmp/note back && cat back", "note"),
    ("docker cp web:/tmp - | tar -t | sort | tail -1", "tmp/note"),
    ("docker diff web | grep note", "A /tmp/note"),
    ("docker rename web site", ""),
    ("docker stats --no-stream site | grep -c site", "1"),
    ("docker port site", ""),
    ("docker kill --signal TERM site", "site"),
    ("docker wait site", "0"),
    ("docker start site", "site"),
    ("docker restart -t 0 site", "site"),
    ("docker stop -t 0 site", "site"),
    ("docker container ls -a --filter status=exited --format '{{.Names}}'", "site"),
    ("docker commit site kept:1", "sha256:" + HEX),
    ("docker images --format '{{.Repository}}:{{.Tag}}'", "base:latest\nkept:1"),
    ("docker tag kept:1 kept:2 && docker rmi kept:1 kept:2 | grep -c Untagged", "2"),
    ("docker create --name later --network none base true", HEX),
    ("docker rm -f -v site later", "site\nlater"),
    ("docker volume ls -q", "data"),
    ("docker volume rm data", "data"),
    ("docker network ls --format '{{.Name}} {{.Driver}}'", "bridge bridge\nhost host\nnone null"),
    ("docker events --since 10m --until 0s -f container=site -f event=destroy --format '{{.Action}} {{.Type}} {{.Status}}'", "destroy container destroy"),
    ("docker info --format '{{.Containers}}'", "0"),
    ("docker version --format '{{.Client.Os}}'", "linux"),
]  # fmt: skip


def test_thirty_everyday_lines(
    command: list[str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = tmp_path_factory.mktemp("alias")
    env = {
        **os.environ,
        "MINIDOCKER_ROOT": str(store),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    subprocess.run([*command, "image", "build-base"], env=env, check=True, capture_output=True)
    lines = [
        line for line in LINES if line[0].split()[1] in MODULES or not line[0].startswith("docker")
    ]
    assert len(lines) >= 30
    script = ["shopt -s expand_aliases", f"alias docker={shlex.quote(shlex.join(command))}"]
    for line, _ in lines:
        script += [line, 'printf "\\n%s %s\\n" "=== status" $?']
    done = subprocess.run(
        ["bash"], input="\n".join(script), env=env, cwd=tmp_path, capture_output=True, text=True
    )
    said = re.split(r"\n=== status (\d+)\n", done.stdout)
    for (line, pattern), output, status in zip(lines, said[::2], said[1::2], strict=False):
        assert status == "0" and re.fullmatch(pattern, output.strip("\n"), re.DOTALL), (
            f"{line}\nstatus {status}: {output}\n{done.stderr}"
        )
    assert len(said) == 2 * len(lines) + 1
