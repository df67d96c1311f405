"""What a container may not do, tried in real ones: capabilities, seccomp, masks, devices, limits."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.kernel.flags import DEFAULT_CAPABILITIES, mask

pytestmark = [pytest.mark.needs("root"), pytest.mark.usefixtures("host_unchanged")]
DOCKERS = 0xA80425FB  # what every Docker container shows as CapBnd


def status(text: str) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


@pytest.fixture
def inside(minidocker: Callable) -> Callable[..., dict[str, str]]:
    """Run `cat /proc/self/status` with these options; the lines by name."""

    def run(*options: str) -> dict[str, str]:
        done = minidocker("run", "--rm", *options, "base", "cat", "/proc/self/status")
        assert done.returncode == 0, done.stderr
        return status(done.stdout)

    return run


def sets(seen: dict[str, str]) -> dict[str, int]:
    return {name: int(seen[f"Cap{name}"], 16) for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")}


def own() -> int:
    return sets(status(Path("/proc/self/status").read_text()))["Prm"]


def bit(name: str) -> int:
    return mask([f"CAP_{name}"])


def build(directory: Path, text: str) -> Path:
    """Compile a static C program."""
    if not shutil.which("gcc"):
        pytest.skip("blocked: needs gcc")
    source = directory / "program.c"
    source.write_text(text)
    subprocess.run(["gcc", "-static", "-o", directory / "program", source], check=True)
    return directory / "program"


# --- capabilities ----------------------------------------------------------------------------


def test_the_default_set_is_dockers(inside: Callable) -> None:
    assert mask(DEFAULT_CAPABILITIES) == DOCKERS
    kept = DOCKERS & own()
    seen = inside()
    assert sets(seen) == {"Inh": 0, "Prm": kept, "Eff": kept, "Bnd": kept, "Amb": 0}
    assert seen["NoNewPrivs"] == "0" and seen["Seccomp"] == "2"


@pytest.mark.parametrize("extra", [(), ("--init",), ("--security-opt", "no-new-privileges")])
def test_another_user_holds_nothing_but_the_bounding_set(inside: Callable, extra: tuple) -> None:
    seen = sets(inside("--user", "1000:1000", *extra))
    assert seen == {"Inh": 0, "Prm": 0, "Eff": 0, "Bnd": DOCKERS & own(), "Amb": 0}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("--cap-drop", "ALL"), 0),
        (("--cap-drop", "all", "--cap-add", "chown"), 1),
        (("--cap-drop=CAP_KILL",), DOCKERS & ~bit("KILL")),
        (("--cap-add=NET_ADMIN",), DOCKERS | bit("NET_ADMIN")),
        (("--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"), 0x1FFFFFFFFFF & ~bit("SYS_ADMIN")),
        (("--cap-add", "net_admin", "--cap-drop", "net_admin"), DOCKERS),
        (("--privileged",), 0x1FFFFFFFFFF),
        (("--cap-drop", "ALL", "--security-opt", "seccomp=unconfined"), 0),
        (("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--init"), 0),
    ],
)
def test_what_is_added_and_dropped(inside: Callable, options: tuple, wanted: int) -> None:
    seen = sets(inside(*options))
    assert seen == {**dict.fromkeys(("Prm", "Eff", "Bnd"), wanted & own()), "Inh": 0, "Amb": 0}


@pytest.mark.parametrize(
    ("option", "word"),
    [("--cap-add=NET_ADMN", "did you mean NET_ADMIN?"), ("--cap-drop=zzz", "man 7"),
     ("--security-opt=apparmor=x", "AppArmor"), ("--ulimit=nofile", "nofile=1024"),
     ("--ulimit=nofile=5:4", "hard"), ("--device=/etc/passwd", "-v"),
     ("--device=/dev/null:/dev/x:r", "letters"), ("--security-opt=seccomp=/none.json", "JSON")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_a_remedy(
    minidocker: Callable, option: str, word: str
) -> None:
    done = minidocker("run", "--rm", option, "base", "true")
    assert done.returncode == 125 and word in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_an_option_needs_its_stage(minidocker: Callable) -> None:
    done = minidocker("run", "--rm", "--stages", "pid", "--cap-drop", "ALL", "true")
    assert done.returncode == 125 and "needs the stage capabilities" in done.stderr


def test_init_under_the_same_filter_and_with_one_capability(minidocker: Callable) -> None:
    done = minidocker("run", "--rm", "--init", "base", "cat", "/proc/1/status")
    seen = status(done.stdout)
    assert seen["Seccomp"] == "2"
    assert sets(seen)["Prm"] == sets(seen)["Bnd"] == bit("KILL")


# --- no_new_privs ----------------------------------------------------------------------------


def test_a_setuid_program_gains_nothing_under_no_new_privileges(
    minidocker: Callable, inside: Callable, tmp_path: Path, shared_store: Path
) -> None:
    """It lies in a layer, as an image's would: in a volume it gains nothing at all."""
    (tmp_path / "vol").mkdir()
    program = build(tmp_path / "vol", "#include <stdio.h>\n#include <unistd.h>\n"
                    'int main(void) { printf("%d\\n", geteuid()); }\n')  # fmt: skip
    program.chmod(0o4755)
    tmp_path.chmod(0o755)
    (tmp_path / "vol").chmod(0o755)
    base = next((shared_store / "layers" / "sha256").glob("*/fs"))
    layers = ("--layer", str(base), "--layer", str(tmp_path))
    command = ("--user", "1000", *layers, "/vol/program")
    assert minidocker("run", "--rm", *command).stdout.strip() == "0"
    option = ("--security-opt", "no-new-privileges")
    assert minidocker("run", "--rm", *option, *command).stdout.strip() == "1000"
    assert inside(*option)["NoNewPrivs"] == "1"
    assert inside("--security-opt", "no-new-privileges:false")["NoNewPrivs"] == "0"


# --- seccomp ---------------------------------------------------------------------------------


def test_forbidden_calls_are_refused_and_unconfined_ones_are_not(minidocker: Callable) -> None:
    command = ("unshare", "-U", "true")
    assert minidocker("run", "--rm", "base", *command).returncode != 0
    open_ = minidocker("run", "--rm", "--security-opt", "seccomp=unconfined", "base", *command)
    assert open_.returncode == 0, open_.stderr


@pytest.mark.skipif(platform.machine() != "x86_64", reason="blocked: `int 0x80` is of x86")
def test_the_other_abi_is_filtered_too(minidocker: Callable, tmp_path: Path) -> None:
    """mount is 165 in one ABI and 21 in the other; a static program asks in both."""
    build(
        tmp_path,
        "#include <stdio.h>\nint main(void) {\n  int r;\n"
        '  __asm__ volatile("int $0x80" : "=a"(r) : "a"(21), "b"(0), "c"(0), "d"(0), "S"(0), "D"(0));\n'
        '  printf("mount %d\\n", r);\n'
        '  __asm__ volatile("int $0x80" : "=a"(r) : "a"(20));\n  printf("pid %d\\n", r > 0);\n}\n',
    )
    volume = ("-v", f"{tmp_path}:/ask:ro")
    done = minidocker("run", "--rm", *volume, "base", "/ask/program")
    assert done.stdout == "mount -1\npid 1\n", done
    # -14, EFAULT: without the filter the kernel looks at the arguments (-38: it has no such ABI)
    free = minidocker("run", "--rm", *volume, "--security-opt", "seccomp=unconfined",
                      "--cap-add", "SYS_ADMIN", "base", "/ask/program")  # fmt: skip
    assert free.stdout.startswith(("mount -14", "mount -38"))


def test_a_profile_of_ones_own(minidocker: Callable, tmp_path: Path) -> None:
    file = tmp_path / "no-directories.json"
    names = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}
    file.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [names]}))
    done = minidocker("run", "--rm", "--security-opt", f"seccomp={file}", "base", "mkdir", "/x")
    assert done.returncode != 0 and "No space left" in done.stderr
    file.write_text("{")
    done = minidocker("run", "--rm", "--security-opt", f"seccomp={file}", "base", "true")
    assert done.returncode == 125 and "is not JSON" in done.stderr


# --- masks and devices -----------------------------------------------------------------------


def test_masked_files_are_empty_and_protected_ones_read_only(minidocker: Callable) -> None:
    script = "wc -c < /proc/keys; ls /sys/firmware | wc -l; echo x > /proc/sys/kernel/core_pattern"
    done = minidocker("run", "--rm", "base", "sh", "-c", script)
    assert done.stdout.split() == ["0", "0"] and "Read-only file system" in done.stderr
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before
    open_ = minidocker("run", "--rm", "--security-opt", "systempaths=unconfined", "base",
                       "cat", "/proc/self/mountinfo")  # fmt: skip
    assert " /proc/sys " not in open_.stdout and " /dev/null " in open_.stdout


def test_a_mask_cannot_be_taken_away(minidocker: Callable) -> None:
    done = minidocker("run", "--rm", "base", "sh", "-c", "umount /proc/sys || umount /proc/keys")
    assert done.returncode != 0


@pytest.mark.parametrize("place", ["/", "/dev", "/dev/shm", "/vol"])
def test_a_node_made_inside_is_dead(minidocker: Callable, tmp_path: Path, place: str) -> None:
    """CAP_MKNOD is in the default set. 1:5 is /dev/zero: harmless, if it should work."""
    script = f"mknod {place}/node c 1 5 && head -c1 {place}/node"
    done = minidocker("run", "--rm", "-v", f"{tmp_path}:/vol", "base", "sh", "-c", script)
    assert done.returncode != 0 and "denied" in done.stderr, done.stderr
    ok = minidocker("run", "--rm", "base", "sh", "-c", "echo x > /dev/null; head -c1 /dev/zero")
    assert ok.returncode == 0


def test_a_device_that_is_handed_in_works(minidocker: Callable) -> None:
    script = "head -c3 /dev/nothing | wc -c; head -c1 /data/zero | wc -c"
    done = minidocker("run", "--rm", "--device", "/dev/zero:/dev/nothing", "--device",
                      "/dev/zero:/data/zero", "base", "sh", "-c", script)  # fmt: skip
    assert done.stdout.split() == ["3", "1"], done.stderr


def test_privileged_has_neither_masks_nor_filter_and_the_hosts_nodes(
    minidocker: Callable, inside: Callable
) -> None:
    seen = inside("--privileged")
    assert seen["Seccomp"] == "0"
    script = "ls /dev; echo; grep -c /proc/sys /proc/self/mountinfo"
    done = minidocker("run", "--rm", "--privileged", "base", "sh", "-c", script)
    names, _, count = done.stdout.partition("\n\n")
    nodes = {n for n in os.listdir("/dev") if not os.path.islink(f"/dev/{n}")
             and not os.path.isdir(f"/dev/{n}") and n != "console"}  # fmt: skip
    assert nodes <= set(names.split()) and count.strip() == "0"


# --- limits of a process ---------------------------------------------------------------------


def test_ulimit(minidocker: Callable) -> None:
    done = minidocker("run", "--rm", "--ulimit", "nofile=64:128", "--ulimit", "core=0", "--user",
                      "1000", "base", "sh", "-c", "ulimit -n; ulimit -Hn; ulimit -c")  # fmt: skip
    assert done.stdout.split() == ["64", "128", "0"], done.stderr
    low = minidocker("run", "--rm", "--ulimit", "nofile=4", "base", "sh", "-c", "ulimit -n")
    assert low.stdout.strip() == "4", low.stderr


# --- telling ---------------------------------------------------------------------------------


def test_explain_names_what_is_dropped(minidocker: Callable) -> None:
    done = minidocker("run", "--rm", "--explain", "--cap-drop", "CHOWN", "base", "true")
    assert "PR_CAPBSET_DROP, CAP_CHOWN" in done.stderr and "seccomp(" in done.stderr
    rehearsal = minidocker(
        "run", "--dry-run", "--security-opt", "no-new-privileges", "base", "true"
    )
    assert (
        rehearsal.returncode == 0 and "PR_SET_NO_NEW_PRIVS" in rehearsal.stdout + rehearsal.stderr
    )


# --- what the laboratory found ---------------------------------------------------------------


KEYS = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
add_key, keyctl = (248, 250) if os.uname().machine == "x86_64" else (217, 219)
name = b"minidocker-test-key"
if sys.argv[1] == "put":
    assert libc.syscall(keyctl, 1, None) > 0  # a session of our own, which ends with us
    assert libc.syscall(add_key, b"user", name, b"secret", 6, -3) > 0
    os.execvp(sys.argv[2], sys.argv[2:])
found = libc.syscall(keyctl, 10, -3, b"user", name, 0)  # search the session keyring
print("found" if found > 0 else os.strerror(ctypes.get_errno()))
"""


def test_a_container_has_a_session_keyring_of_its_own(command: list[str]) -> None:
    """Without any wall but the runtime itself: so it is not the filter that hides the key."""
    if not os.path.exists("/proc/keys"):
        pytest.skip("blocked: this kernel has no keyrings")
    look = [command[0], "-c", KEYS, "look"]
    for words, seen in (
        (look, "found"),
        ([*command, "run", "--rm", "--stages", "identity", *look], "Required key not available"),
    ):
        argv = [command[0], "-c", KEYS, "put", *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout.strip()) == (0, seen), done.stderr


@pytest.mark.parametrize("way", ["itself", "link", "script"])
def test_the_runtimes_own_program_is_not_run_inside(
    minidocker: Callable, tmp_path: Path, way: str
) -> None:
    (tmp_path / "link").symlink_to("/proc/self/exe")
    (tmp_path / "script").write_text("#!/proc/self/exe -V\n")
    (tmp_path / "script").chmod(0o755)
    name = {"itself": "/proc/self/exe"}.get(way, f"/data/{way}")
    done = minidocker("run", "--rm", "-v", f"{tmp_path}:/data", "base", name)
    assert (done.returncode, done.stdout) == (126, "")
    assert "it leads out of the container" in done.stderr


def test_a_setuid_program_in_a_volume_gives_nothing(minidocker: Callable, tmp_path: Path) -> None:
    done = minidocker(
        "run", "--rm", "-v", f"{tmp_path}:/data", "base", "grep", " /data ", "/proc/self/mountinfo"
    )
    assert "nosuid" in done.stdout.split()[5].split(",")


# --- who one is ------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["1000", "4294967296", "4294967295", "99999999999999999999"])
def test_a_number_is_never_a_name(minidocker: Callable, tmp_path: Path, asked: str) -> None:
    """CVE-2026-46680 and CVE-2024-40635: an image whose user "1000" is root."""
    layer = tmp_path / "layer"
    (layer / "etc").mkdir(parents=True)
    (layer / "etc/passwd").write_text(f"{asked}:x:0:0:root:/:/bin/sh\nroot:x:0:0::/:/bin/sh\n")
    (layer / "etc/group").write_text(f"{asked}:x:0:\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    shutil.copy(shutil.which("busybox") or "/bin/busybox", tools / "busybox")
    words = ("--layer", str(layer), "-v", f"{tools}:/t", "--entrypoint", "/t/busybox", "id", "-u")
    done = minidocker("run", "--rm", "--user", asked, *words)
    assert done.stdout.strip() == ("1000" if asked == "1000" else ""), done
    done = minidocker("run", "--rm", "--user", f"7:{asked}", *words[:-1], "-g")
    assert done.stdout.strip() == ("1000" if asked == "1000" else ""), done
