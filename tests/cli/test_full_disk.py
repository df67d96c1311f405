"""A container that fills the store's disk is ended; the disk is a small tmpfs of the test's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from keeping import ROOT

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

ON_A_SMALL_DISK = """\
mount -t tmpfs -o nr_inodes=40000,size=400m none "$MINIDOCKER_ROOT"
{mini} image build-base >/dev/null
{mini} run --name other base sh -c 'n=0; while [ $n -lt 300 ]; do : > /f$n; n=$((n+1)); done; sleep 3' &
{mini} run --name hog base sh -c '{attack}'
echo hog $?
wait $!
echo other $?
touch "$MINIDOCKER_ROOT/there-is-room" && echo room
{mini} rm hog other >/dev/null
df --output=iused "$MINIDOCKER_ROOT" | tail -1
"""


def on_a_small_disk(command: list[str], place: Path, attack: str) -> tuple[list[str], str]:
    """Run the attack beside an innocent container: what the script printed, and its errors."""
    script = ON_A_SMALL_DISK.format(mini=" ".join(command), attack=attack)
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "env", f"MINIDOCKER_ROOT={place}",
         "sh", "-c", script],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    return done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(
    ("attack", "what"),
    [
        ("mkdir /many; cd /many; n=0; while :; do : > $n; n=$((n+1)); "
         "[ $((n%500)) = 0 ] && sleep 0.05; done", "inodes"),
        ("while :; do head -c 2m /dev/zero >> /big; sleep 0.02; done", "bytes"),
        ("exec 3> /big; rm /big; while :; do head -c 2m /dev/zero >&3; sleep 0.02; done", "bytes"),
        ("while :; do head -c 2m /dev/zero >> /etc/hosts; sleep 0.02; done", "bytes"),
    ],
)
def test_who_fills_the_disk_is_ended(
    command: list[str], tmp_path: Path, attack: str, what: str
) -> None:
    out, error = on_a_small_disk(command, tmp_path, attack)
    assert out[:3] == ["hog 137", "other 0", "room"], (out, error)
    assert int(out[3]) < 2000
    told = [line for line in error.splitlines() if line.startswith("minidocker: ")]
    assert len(told) == 1 and f"nearly all {what} of the disk" in told[0] and "killed" in told[0]
    assert "No space left" not in error


ALONE_ON_A_SMALL_DISK = """\
mount -t tmpfs -o nr_inodes=40000,size=400m none "$MINIDOCKER_ROOT"
{mini} image build-base >/dev/null
id=$({mini} run -d --network none --name hog base sh -c '
  until [ -e /go ]; do sleep 0.02; done; while :; do head -c 2m /dev/zero >> /big; sleep 0.02; done')
{kill}
touch "$MINIDOCKER_ROOT/words" && {mini} cp "$MINIDOCKER_ROOT/words" hog:/go
{mini} wait hog
{mini} inspect --format '{{{{.State.Error}}}}' hog
{mini} rm -f hog
"""
KILL_BOTH = r"""
kill -9 $(tr , '\n' < "$MINIDOCKER_ROOT/containers/$id/record.json" |
  sed -n 's/^ *"\(keeper\|standby\)": *"\([0-9]*\) .*/\2/p')"""


@pytest.mark.parametrize(
    ("kill", "said"),
    [("", ["137", "it had taken nearly all bytes of the disk: killed"]), (KILL_BOTH, ["?"])],
    ids=["with its keepers", "with one that came later"],
)
def test_who_runs_alone_is_ended_too(
    command: list[str], tmp_path: Path, kill: str, said: list[str]
) -> None:
    script = ALONE_ON_A_SMALL_DISK.format(mini=" ".join(command), kill=kill)
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "env", f"MINIDOCKER_ROOT={tmp_path}",
         "sh", "-c", script],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    assert done.stdout.splitlines()[: len(said)] == said, done.stderr


FILLED_MEANWHILE = """\
mount -t tmpfs -o nr_inodes=40000,size=400m none "$MINIDOCKER_ROOT"
cd "$MINIDOCKER_ROOT"
{mini} image build-base >/dev/null
mkfifo go
{mini} run {rm} --network none --name box -i base sh -c 'echo up; read x; exit 4' < go > said &
exec 3> go
until [ -s said ]; do sleep 0.02; done
head -c 500m /dev/zero > fill 2>/dev/null
echo >&3
wait $!
echo $?
"""


@pytest.mark.parametrize("rm", ["--rm", ""])
def test_a_disk_that_gets_full_keeps_no_status_back(
    command: list[str], tmp_path: Path, rm: str
) -> None:
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "env", f"MINIDOCKER_ROOT={tmp_path}",
         f"PYTHONPATH={ROOT}", "sh", "-c", FILLED_MEANWHILE.format(mini=" ".join(command), rm=rm)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    assert done.stdout == "4\n", done.stderr
    assert "Traceback" not in done.stderr


ON_A_SPOILT_DISK = """\
mount -t tmpfs -o nr_inodes=40000,size=400m none "$MINIDOCKER_ROOT"
{mini} image build-base >/dev/null
{mini} run -d --network none --name old base sh -c 'echo said; exit 4' >/dev/null
{mini} wait old
{spoil}
{mini} ps -a --format '{{{{.Names}}}} {{{{.State}}}}'
{mini} logs old
{mini} wait old
{mini} start old 2>&1
echo $?
{mini} prune >/dev/null 2>&1
"""


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ('head -c 500m /dev/zero >"$MINIDOCKER_ROOT/fill" 2>/dev/null', "No space left on device"),
        ('mount -o remount,ro "$MINIDOCKER_ROOT"', "Read-only file system"),
    ],
)
def test_a_disk_that_takes_nothing_can_be_asked(
    command: list[str], tmp_path: Path, spoil: str, why: str
) -> None:
    script = ON_A_SPOILT_DISK.format(mini=" ".join(command), spoil=spoil)
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "env", f"MINIDOCKER_ROOT={tmp_path}",
         "sh", "-c", script],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[:4] == ["4", "old exited", "said", "4"], (lines, done.stderr)
    assert why in done.stdout and lines[-1] == "125"
    assert "Traceback" not in done.stdout + done.stderr and "was killed" not in done.stdout
