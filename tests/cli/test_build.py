"""`minidocker build`, the real command, offline: the base is our busybox image."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.images.registry.server import Registry
from minidocker.images.store import catalogue, recipes
from minidocker.images.store.store import Store
from tests.conftest import make_store

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory, command: list[str]) -> Path:
    """A store for what is built here: its layers stay until somebody prunes."""
    return make_store(tmp_path_factory.mktemp("building"), command)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context with a few files; `Dockerfile` is written by the test."""
    for name, text in {"a.txt": "a\n", "d/x": "x\n", "secret": "s3cret\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".dockerignore").write_text("secret\n")
    return tmp_path


@pytest.fixture
def build(minidocker: Callable, context: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Write a Dockerfile, and build it without a network."""

    def run(text: str, *options: str, **more: object) -> subprocess.CompletedProcess:
        (context / "Dockerfile").write_text(text)
        return minidocker("build", "--network", "none", *options, str(context), **more)

    return run


def config_of(store: Path, id: str) -> dict:
    return catalogue.config_of(Store(str(store)), id.strip().removeprefix("sha256:"))


def see(minidocker: Callable, image: str, script: str) -> str:
    done = minidocker("run", "--rm", "--network", "none", image, "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    return done.stdout


WHOLE = """\
ARG FROM_HEAD=head
FROM base AS made
ARG FROM_HEAD
RUN echo $FROM_HEAD > /made
FROM base AS never
RUN exit 1
FROM base
ENV GREETING="hello there"
WORKDIR /app/sub
COPY --chown=nobody:nogroup --chmod=640 a.txt d ./
COPY --from=made /made /made
COPY <<EOF <<'EOT' /texts/
$GREETING
EOF
$GREETING
EOT
RUN <<EOF
#!/bin/sh -e
id -u > /script
EOF
RUN --mount=type=bind,target=/ctx --mount=type=secret,id=key --mount=type=tmpfs,target=/t \\
    # a comment in between
    cat /run/secrets/key && ls /ctx && cat /proc/self/status | grep CapEff > /caps; rm /etc/shells
RUN ["touch", "/exec $GREETING"]
USER nobody
CMD ["cat", "/made"]
"""


def test_a_whole_dockerfile(
    minidocker: Callable, build: Callable, context: Path, shared_store: Path, host_unchanged: None
) -> None:
    secret = f"id=key,src={context}/secret"
    done = build(WHOLE, "-t", "whole:1", "-t", "whole:2", "--secret", secret, "--label", "l=1")
    assert done.returncode == 0, done.stderr
    assert "s3cret" in done.stderr and "never" not in done.stderr
    shown = [line.split(" ", 1)[1] for line in done.stderr.splitlines() if line.startswith("#")]
    assert "a.txt" in shown and "secret" not in shown  # .dockerignore holds for binds, too
    look = "cat /made /texts/*; cat /script; ls -d /exec*; ls / /run /etc | grep -E 'ctx|^t$|secret|shells'"
    assert see(minidocker, "whole:1", f"{look}; stat -c '%a %U %G' /app/sub/x; pwd; id -u").splitlines() == [
        "head", "hello there", "$GREETING", "0", "/exec $GREETING", "640 nobody nogroup", "/app/sub",
        "65534",
    ]  # fmt: skip
    usual = see(minidocker, "base", "grep CapEff /proc/self/status")
    assert see(minidocker, "whole:2", "cat /caps") == usual
    config = config_of(shared_store, done.stdout)
    assert config["config"]["Labels"]["l"] == "1"
    assert len(config["rootfs"]["diff_ids"]) == sum("empty_layer" not in h for h in config["history"])
    everything = subprocess.run(["grep", "-rl", "s3cret", str(shared_store)], capture_output=True)
    assert not everything.stdout  # the secret is in no layer, and nowhere else
    again = build(WHOLE, "-t", "whole:3", "--secret", secret, "--label", "l=1")
    assert again.stdout == done.stdout  # out of the cache it is the same image
    assert again.stderr.count("CACHED") == 8
    assert minidocker("image", "check").returncode == 0


def test_the_cache_goes_by_content(build: Callable, context: Path) -> None:
    text = "FROM base\nCOPY d /d\nRUN cat /d/x\n"
    assert "CACHED" not in build(text).stderr
    os.utime(context / "d/x", (1, 1))
    (context / "a.txt").write_text("another\n")
    assert build(text).stderr.count("CACHED") == 2
    (context / "d/x").write_text("y\n")
    assert "CACHED" not in build(text).stderr
    assert "CACHED" not in build(text, "--no-cache").stderr


def test_the_same_input_gives_the_same_digest(build: Callable) -> None:
    text = "FROM base\nCOPY . /c\nRUN echo x > /x && mkdir /y\n"
    env = {"SOURCE_DATE_EPOCH": "1000000000"}
    first = build(text, "--no-cache", "-q", env=env).stdout
    assert first.startswith("sha256:")
    assert build(text, "--no-cache", "-q", env=env).stdout == first


FAILS = "FROM base\n\nRUN echo some output; \\\n  exit 7\n"


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_a_failed_step_names_its_line_and_leaves_nothing(
    build: Callable, shared_store: Path, host_unchanged: None, quiet: list[str]
) -> None:
    images = sorted((shared_store / "images/sha256").iterdir())
    done = build(FAILS, "-t", "fails", *quiet)
    assert done.returncode == 1 and done.stdout == ""
    assert "some output" in done.stderr
    assert "minidocker: Dockerfile:3: RUN echo some output;   exit 7: the command ended with status 7" in done.stderr
    assert "returned a non-zero code: 7" in done.stderr
    assert sorted((shared_store / "images/sha256").iterdir()) == images
    assert not list((shared_store / "partial").iterdir())


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("FROM base\nCOPY no /x\n", 2, "the context has no no"),
        ("FROM base\nADD http://x/y /x\n", 2, "ADD of http://x/y is not built"),
        ("FROM base\nRUN --mount=type=ssh x\n", 2, "RUN --mount=type=ssh is not built"),
        ("FROM base\nCOPY --from=no.such.host:1/a /x /y\n", 2, "no.such.host"),
        ("FROM base\nRUN --mount=type=secret,id=k,required=true x\n", 2, "secret k is required"),
        ("FROM base\nFROM scratch\nRUN x\n", 3, "scratch has none"),
        ("FROM ${NO}\n", 1, "the name is empty"),
        ("FROM base\nRUN --network=vpn x", 2, "none of default"),
        ("FROM base\nWORKDIR /bin/busybox", 2, "has a file there"),
        ("FROM base\nRUN --network=host x", 2, "network.host is not allowed"),
        ("FROM base\nCOPY --from=1 a /b", 2, "no stage 1 before"),
        ("WHAT\n", 1, "no instruction WHAT"),
        ("FROM base\nWH\x1b[2JAT\n", 2, "no instruction WH [2JAT"),
    ],
)
def test_what_cannot_be_built_names_its_line(build: Callable, text: str, line: int, says: str) -> None:
    done = build(text)
    assert done.returncode == 1
    assert f"minidocker: Dockerfile:{line}: " in done.stderr and says in done.stderr


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["-t", "Bad!"], 1, "is not a name for an image"),
        (["--secret", "src=/etc/passwd"], 1, "is not id=NAME,src=FILE"),
        (["--secret", "id=k,src=/no/such"], 1, "No such file"),
        (["--secret", "id=k,src=/dev/zero"], 1, "more than 500 KB"),
        (["--build-arg", "=x"], 1, "has no name"),
        (["--platform", "a/b/c/d"], 1, "is not OS/ARCHITECTURE"),
        (["-f", "no-such"], 1, "there is no file"),
        (["--target", "no"], 1, "no stage 'no'"),
        (["--squash"], 125, "--squash"),
    ],
)
def test_wrong_options_are_one_sentence(
    build: Callable, options: list[str], status: int, says: str
) -> None:
    done = build("FROM base\n", *options)
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr and "Traceback" not in done.stderr


def test_triggers_of_the_base_run(minidocker: Callable, build: Callable) -> None:
    assert build('FROM base\nONBUILD COPY a.txt /on\nONBUILD RUN cat /on > /ran\n', "-t", "on").returncode == 0
    done = build("FROM on\nENV x=y\n", "-t", "ran")
    assert done.returncode == 0, done.stderr
    assert see(minidocker, "ran", "cat /ran") == "a\n"
    assert build("FROM ran\nCMD x\n").returncode == 0  # once, and not again


def test_arguments_and_targets(minidocker: Callable, build: Callable) -> None:
    text = "FROM base AS one\nARG A=1 B TARGETARCH\nRUN echo $A-$B-$TARGETARCH > /f\nFROM one AS two\nRUN false\n"
    done = build(text, "--target", "ONE", "--build-arg", "B=2", "-t", "args")
    assert done.returncode == 0, done.stderr
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    assert see(minidocker, "args", "cat /f") == f"1-2-{arch}\n"
    assert build(text, "--target", "no").returncode == 1


def test_add_unpacks_an_archive_and_scratch_begins_empty(
    minidocker: Callable, build: Callable, context: Path, shared_store: Path
) -> None:
    with tarfile.open(context / "ar.tgz", "w:gz") as tar:
        tar.add(context / "d", "in", filter=owned_by_seven)
    done = build("FROM scratch\nADD ar.tgz a.txt /u/\nCOPY ar.tgz /c/\n", "-t", "added")
    assert done.returncode == 0, done.stderr
    layer = config_of(shared_store, done.stdout)["rootfs"]["diff_ids"][0].removeprefix("sha256:")
    root = shared_store / "layers/sha256" / layer / "fs/u"
    assert [(root / name).stat().st_uid for name in ("a.txt", "in", "in/x")] == [0, 7, 7]
    assert build("FROM base\nCOPY --from=added / /\n", "-t", "seen").returncode == 0
    assert see(minidocker, "seen", "cd /; stat -c '%n %u' u/* u/in/x c/*").splitlines() == [
        "u/a.txt 0", "u/in 7", "u/in/x 7", "c/ar.tgz 0",
    ]  # fmt: skip
    text = "FROM base\nCOPY --from=added /u/in /one\nCOPY --from=added --chown=3 /u /three\n"
    text += "USER 5:6\nWORKDIR /one/new/deep\n"
    assert build(text, "-t", "owners").returncode == 0
    look = "cd /; stat -c '%n %u:%g' one one/x three/in/x three one/new one/new/deep"
    assert see(minidocker, "owners", look).splitlines() == [
        "one 0:0", "one/x 7:7", "three/in/x 3:3", "three 3:3", "one/new 5:6", "one/new/deep 5:6",
    ]  # fmt: skip


def owned_by_seven(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 7
    return member


def test_a_cache_mount_is_kept_and_in_no_layer(minidocker: Callable, build: Callable) -> None:
    text = "FROM base\nRUN --mount=type=cache,target=/cache,id=kept echo {} >> /cache/log; cp /cache/log /log\n"
    assert build(text.format("one")).returncode == 0
    assert build(text.format("two"), "-t", "caches").returncode == 0
    assert see(minidocker, "caches", "cat /log; ls -d /cache 2>/dev/null || true") == "one\ntwo\n"


def test_the_hosts_network_is_the_callers_to_give(minidocker: Callable, context: Path) -> None:
    (context / "Dockerfile").write_text("FROM base\nRUN --network=host readlink /proc/self/ns/net > /which\n")
    for network, status in (("host", 0), ("none", 1), ("bridge", 1)):
        done = minidocker("build", "--no-cache", "--network", network, "-t", "netted", str(context))
        assert done.returncode == status, done.stderr
    assert see(minidocker, "netted", "cat /which").strip() == os.readlink("/proc/self/ns/net")


@pytest.mark.parametrize(
    "mount",
    [
        "type=bind,source=../,target=/m",
        "type=bind,source=link,target=/m",
        "type=bind,from=evil,source=/link,target=/m",
        "type=cache,id=../../../../..,target=/m",
    ],
)
def test_no_mount_of_a_run_shows_the_host(
    build: Callable, context: Path, tmp_path_factory: pytest.TempPathFactory, mount: str
) -> None:
    """CVE-2024-9675, CVE-2024-11218, CVE-2024-23651: a link or "..", of the context, a stage, a cache."""
    host = tmp_path_factory.mktemp("host")
    (host / "mine").write_text("s3cret of the host\n")
    (context / "link").symlink_to(host)
    text = (
        f"FROM base AS evil\nRUN ln -s {host} /link\nFROM base\n"
        f"RUN --mount={mount} ls -la /m; cat /m/mine /m/{host}/mine /m/link/mine; touch /m/new; true\n"
    )
    done = build(text)
    assert "s3cret of the host" not in done.stdout + done.stderr
    assert os.listdir(host) == ["mine"] and not (context / "new").exists()


def test_a_mount_of_a_run_leaves_nothing_outside(
    build: Callable, context: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """CVE-2024-23652, CVE-2025-4953: what is made for a mount goes, and nothing of the host goes with it."""
    host = tmp_path_factory.mktemp("host")
    for target in ("/link/made", "/link"):
        text = f"FROM base\nRUN ln -s {host} /link\nRUN --mount=type=bind,target={target} rm -rf {host}; true\n"
        build(text)
        assert host.is_dir() and os.listdir(host) == []
    assert "a.txt" in os.listdir(context)


def test_a_context_may_be_a_tar_or_a_dockerfile_alone(
    minidocker: Callable, context: Path, command: list[str], shared_store: Path
) -> None:
    (context / "Dockerfile").write_text("FROM base\nCOPY a.txt /from-tar\n")
    packed = subprocess.run(["tar", "-C", str(context), "-c", "."], capture_output=True, check=True)
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    argv = [*command, "build", "-t", "piped", "-"]
    done = subprocess.run(argv, env=env, input=packed.stdout, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert see(minidocker, "piped", "cat /from-tar") == "a\n"
    (context / "Dockerfile").rename(context / "dockerfile")
    assert minidocker("build", str(context)).returncode == 0  # as in Docker, where no other is
    done = subprocess.run(argv, env=env, input=b"FROM base\nENV x=1\n", capture_output=True)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(argv, env=env, input=b"FROM base\nCOPY a /b\n", capture_output=True)
    assert done.returncode == 1 and b"there is no context" in done.stderr


def test_a_base_comes_from_its_registry(
    minidocker: Callable, build: Callable, tmp_path: Path, shared_store: Path
) -> None:
    registry = Registry(str(tmp_path / "registry")).start()
    try:
        base, copied = f"{registry.address}/lab/base:1", f"{registry.address}/lab/more"
        for name in (base, copied):
            minidocker("tag", "base", name)
            assert minidocker("push", name).returncode == 0
            assert minidocker("rmi", name).returncode == 0
        text = f"FROM {base}\nCOPY --from={copied} /etc/passwd /p\nRUN cat /p\n"
        done = build(text, "-t", f"{registry.address}/lab/built")
        assert done.returncode == 0, done.stderr
        assert minidocker("push", f"{registry.address}/lab/built").returncode == 0
        minidocker("tag", "base", copied)
        assert build(f"FROM {base}\nRUN echo other > /other\n", "-t", base).returncode == 0
        done = build(text, "--pull")  # the registry's base, not what the name stands for here
        assert done.returncode == 0 and done.stderr.count("CACHED") == 2
    finally:
        registry.close()


def test_an_image_may_have_a_layer_twice(minidocker: Callable, build: Callable) -> None:
    text = "FROM base\nRUN echo x > /a\nRUN rm /a\nRUN echo x > /a\nRUN cat /a\n"
    done = build(text, "-t", "twice", "--build-arg", "NO=1", env={"SOURCE_DATE_EPOCH": "1"})
    assert done.returncode == 0, done.stderr
    assert see(minidocker, "twice", "cat /a") == "x\n"
    assert "no ARG asks for NO" in done.stderr


def test_history_tells_the_steps_in_dockers_words(minidocker: Callable, build: Callable) -> None:
    done = build("FROM base\nRUN echo a rather long line that no table has room for > /x\nCMD x\n", "-t", "told")
    assert done.returncode == 0, done.stderr
    heads, newest, run, base = minidocker("history", "told").stdout.splitlines()
    assert heads.split("   ")[0] == "IMAGE" and "CREATED BY" in heads
    assert newest.startswith(done.stdout[7:19]) and "CMD x" in newest and "0B" in newest
    assert run.startswith("<missing>") and "RUN /bin/sh -c echo a rather long line that …" in run
    assert "N/A" in base
    told = minidocker("history", "--no-trunc", "-q", "told").stdout.split()
    assert told == [done.stdout.strip(), "<missing>", "<missing>"]
    told = minidocker("history", "--no-trunc", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", "told")
    assert told.stdout.splitlines()[1] == (
        "46 RUN /bin/sh -c echo a rather long line that no table has room for > /x"
    )


SLOW = """\
FROM base AS a
RUN echo A; sleep 100
FROM base AS b
RUN trap '' TERM INT; echo B; sleep 100
FROM base
COPY --from=a /x /y
COPY --from=b /x /y
"""


def test_a_stage_that_fails_ends_the_others(build: Callable, host_unchanged: None) -> None:
    text = SLOW.replace("RUN echo A; sleep 100", "RUN sleep 1; exit 9")
    done = build(text, "--no-cache", timeout=50)  # the other one would sleep for longer
    assert done.returncode == 1
    assert "Dockerfile:2: RUN sleep 1; exit 9: the command ended with status 9" in done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_ctrl_c_and_kill_leave_nothing(
    minidocker: Callable, context: Path, command: list[str], shared_store: Path,
    host_unchanged: None, number: signal.Signals, status: int,
) -> None:  # fmt: skip
    (context / "Dockerfile").write_text(SLOW)
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    argv = [*command, "build", "--no-cache", "--network", "none", "-t", "slow", str(context)]
    with subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, text=True) as process:
        heard: set[str] = set()
        for line in process.stderr:
            heard.add(line.split(" ", 1)[1].strip())
            if {"A", "B"} <= heard:  # both stages at once
                break
        process.send_signal(number)
        assert process.wait(60) == status
        process.stderr.read()  # until the stages have ended, too
    assert minidocker("prune").returncode == 0
    assert not list((shared_store / "partial").iterdir())
    assert "slow" not in minidocker("images").stdout


def test_the_cache_goes_with_system_prune(minidocker: Callable, build: Callable, shared_store: Path) -> None:
    store = Store(str(shared_store))
    assert build("FROM base\nRUN echo forget me > /me\n", "-t", "me").returncode == 0
    assert minidocker("rmi", "me").returncode == 0
    assert minidocker("image", "prune").returncode == 0
    assert build("FROM base\nRUN echo forget me > /me\n").stderr.count("CACHED") == 1
    assert recipes.kept(store)[0] - {""}
    done = minidocker("system", "prune")
    assert "removed build cache" in done.stdout
    assert not recipes.kept(store)[0]
    assert build("FROM base\nRUN echo forget me > /me\n").stderr.count("CACHED") == 0
    assert minidocker("image", "check").returncode == 0


# What podman build and we must say alike. Not in it, since buildah 1.28 is not as Docker there: the
# directive escape, SHELL before CMD, ranges of EXPOSE; its inspect shows no OnBuild and no Shell.
ALIKE = (
    "ARG T=base\nARG X=gx\nFROM $T\nARG X\nARG Y=${X:-y}\nARG Z\n"
    "ENV E=${X}-${Y}-${Z:-none} F=\"$X\" G='$X' H=\\$X I=${X:+set}\nLABEL l=\"${Y}\" m=a\\ b\n",
    'ENV A="a \\"q\\" b" B=\'single $A\' C=mix"ed "\'quo tes\' D=back\\\\slash\nENV OLD some "quoted" $A\n',
    'CMD echo $HOME && true\nENTRYPOINT ["a","b"]\nCMD ["x", "y z"]\n',
    "CMD a b\nENTRYPOINT c d\n",
    "WORKDIR /a/b/\nWORKDIR c\nWORKDIR ../d\nENV P=/x\nWORKDIR $P/y\n",
    'ENV P="1 2/udp"\nEXPOSE $P 3/tcp\nENV V=/v\nVOLUME $V /w\nVOLUME ["/a b", "/c"]\n',
    "ENV A=1 \\\n  # comment\n\n  B=2 \\\n  C=3\nLABEL x=1 \\\n y=2\nCMD echo a \\\n  b\n",
    "FROM base AS one\nENV ONE=1\nUSER one\nCMD one\nFROM one AS two\nENV TWO=2\nFROM two\nLABEL t=3\n",
    "ENV S=SIGUSR1\nSTOPSIGNAL $S\nenv a=b\ncmd [\"q\"]\n",
    "ENV a=hello b=\nENV c=${b:-${a}} d=${b:+x} e=${a:+y} f=${nope:-\"q r\"} g=\"${a}$b\" h=${a}_x\n",
    "ENV A=1\nENV B=$A\nENV A=2 C=$A\nENV D=$A\n",
)


@pytest.mark.more
def test_the_configuration_is_that_of_podman_build(
    minidocker: Callable, build: Callable, context: Path, shared_store: Path, tmp_path: Path
) -> None:
    if not shutil.which("podman"):
        pytest.skip("blocked: there is no podman (apt-get install -y podman)")
    (tmp_path / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/root"\nrunroot = "{tmp_path}/run"\n'
    )
    env = {**os.environ, "CONTAINERS_STORAGE_CONF": f"{tmp_path}/storage.conf"}

    def podman(*words: str) -> str:
        done = subprocess.run(["podman", *words], env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    minidocker("save", "base", "-o", f"{tmp_path}/base.tar")
    podman("load", "-q", "-i", f"{tmp_path}/base.tar")
    (context / ".dockerignore").write_text("*\n")
    for text in ALIKE:
        whole = text if text.startswith(("FROM", "ARG T")) else "FROM base\n" + text
        ours = config_of(shared_store, build(whole).stdout)["config"]
        id = podman("build", "-q", "--format", "docker", "--isolation", "chroot", str(context))
        theirs = json.loads(podman("inspect", "--type", "image", id))[0]["Config"]
        del theirs["Labels"]["io.buildah.version"]
        assert ours == theirs, whole
