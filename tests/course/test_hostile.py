"""Files that do harm cost their own check, and nothing more: the host is as it was before.

Each one is laid over lesson 01's solution. In a *function*, the other functions' checks must
still pass. At *import*, every check of the file fails, and the next file is judged as ever.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from pathlib import Path

import pytest

from minidocker.course.manifest import load
from minidocker.grader.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
LESSON = load(ROOT).lesson("01")
SOLUTION = (ROOT / "solutions" / LESSON.file).read_text()
CHECKS = ["spawn_first", "exit_status", "init_status"]
pytestmark = pytest.mark.needs("root", "pidns")

DEEDS = {
    "loops": "while True: pass",
    "sleeps": "import time; time.sleep(10**6)",
    "forks without end": """
while True:
    try:
        os.fork()
    except OSError:
        pass""",
    "forks, and each child too": "while True: os.fork()",
    "unmounts the root": "Linux().umount2('/', 2); os.listdir('/proc/1')",
    "unmounts proc": "Linux().umount2('/proc', 2); raise SystemExit",
    "remounts the root read-only": "Linux().mount('', '/', '', 32 | 1); raise SystemExit",
    "remounts everything read-only": """
for line in open('/proc/self/mounts').read().splitlines():
    try:
        Linux().mount('', line.split()[1], '', 32 | 1)
    except OSError:
        pass
raise SystemExit""",
    "kills everything": "os.kill(-1, 9); os.kill(1, 9); raise SystemExit",
    "kills each by name": """
for pid in os.listdir('/proc'):
    if pid.isdigit() and int(pid) != os.getpid():
        os.kill(int(pid), 9)
os.kill(os.getpid(), 9)""",
    "exits": "os._exit(0)",
    "raises SystemExit": "raise SystemExit(0)",
    "raises KeyboardInterrupt": "raise KeyboardInterrupt",
    "prints 1": "print(1); os._exit(0)",
    "prints without end": "while True: print('1' * 1000)",
    "writes result files": """
for folder in FOLDERS:
    for name in ('result.json', 'progress.jsonl', 'HARM'):
        try:
            open(folder + '/' + name, 'w').write('{"outcome": "pass", "earned": 3}')
        except OSError:
            pass
os._exit(0)""",
    "answers for the check": """
for fd in range(3, 400):
    for event in ('child', 'returned', 'done', 'results'):
        try:
            said = '{"event": "%s", "value": 1, "ready": true, "ended": 0}' % event
            os.write(fd, said.encode())
        except OSError:
            pass
os._exit(0)""",
    "closes all descriptors": "os.closerange(0, 1000); os._exit(0)",
    "closes all, and stays": "os.closerange(0, 1000); import time; time.sleep(10**6)",
    "takes all memory": "x = [bytearray(1 << 28) for _ in range(1000)]",
    "calls itself without end": "def f(): f()\nf()",
    "leaves a daemon": """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            os.read(os.pipe()[0], 1)
    os._exit(0)
os._exit(0)""",
    "changes names and limits": """
Linux().sethostname('harmed')
Linux().write('/proc/sys/kernel/pid_max', '350')
os._exit(0)""",
    "fools itself": "os.getpid = lambda: 1; os.fork = lambda: 0; json = __import__('json'); "
    "json.dumps = lambda *a, **k: '{}'; raise SystemExit",
}  # fmt: skip


def hostile(deed, place, folders):
    """Put a deed into spawn, or at the top level of the file."""
    begin = f"import os\nfrom minidocker.kernel.linux import Linux\nFOLDERS = {folders!r}\n"
    if place == "import":
        return f"{SOLUTION}\n{begin}{deed}\n"
    body = "\n".join("    " + line for line in deed.strip().splitlines())
    return f"{SOLUTION}\n{begin}\ndef spawn(kernel, flags, child):\n{body}\n"


def processes_with(token):
    """The pids of living processes that were started by the grading with this token."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if token in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(int(pid))
        except OSError:
            continue
    return found


def host():
    """What no cell may change; mounts are compared apart."""
    facts = Machine().facts()
    del facts["mounts"]
    return facts


@pytest.fixture(scope="session")
def harm(tmp_path_factory):
    """Judge all hostile files in one grading: verdicts, and what is different on the host."""
    folder = tmp_path_factory.mktemp("canary")
    folders = [str(folder), str(ROOT), str(ROOT / "exercises"), "/tmp", "/"]
    entries = [
        {"lesson": "01", "name": f"{place}/{name}", "text": hostile(deed, place, folders),
         "checks": CHECKS}
        for place in ("function", "import")
        for name, deed in DEEDS.items()
    ]  # fmt: skip
    # The last to be judged is innocent: it must find the grader in good health.
    entries.append({"lesson": "01", "name": "innocent", "text": SOLUTION})
    token = uuid.uuid4().hex
    env = {**os.environ, "MINIDOCKER_COURSE": str(ROOT), "PYTHONPATH": str(ROOT), "TOKEN": token}
    # In a mount namespace of its own, so that nobody else's mounts count, and with a shared "/",
    # so that a leak out of a cell would show.
    apart = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             'mount --make-rshared / && cat /proc/self/mountinfo > "$0/before" && "$@"; '
             'cat /proc/self/mountinfo > "$0/after"', str(folder)]  # fmt: skip
    before = host()
    begin = time.monotonic()
    done = subprocess.run(
        [*apart, sys.executable, "-m", "minidocker.grader.judge"], env=env, text=True,
        input=json.dumps(entries), capture_output=True, timeout=600,
    )  # fmt: skip
    seconds = time.monotonic() - begin
    verdicts = defaultdict(dict)
    for line in done.stdout.splitlines():
        verdict = json.loads(line)
        verdicts[verdict["subject"]][verdict["id"]] = verdict
    harmed = [path for path in folders for name in ("HARM", "result.json")
              if os.path.exists(f"{path}/{name}")]  # fmt: skip
    return {
        "verdicts": verdicts, "before": before, "after": host(), "harmed": harmed,
        "mounts": [(folder / name).read_text() for name in ("before", "after")],
        "alive": processes_with(token.encode()), "said": done.stderr, "seconds": seconds,
    }  # fmt: skip


@pytest.mark.parametrize("name", DEEDS)
def test_a_hostile_function_costs_its_own_check(harm, name):
    found = harm["verdicts"][f"function/{name}"]
    outcomes = {check: verdict["outcome"] for check, verdict in found.items()}
    assert outcomes == {"spawn_first": "fail", "exit_status": "pass", "init_status": "pass"}, found


@pytest.mark.parametrize("name", DEEDS)
def test_a_hostile_import_costs_its_own_file(harm, name):
    found = harm["verdicts"][f"import/{name}"]
    assert {verdict["outcome"] for verdict in found.values()} == {"fail"}, found


def test_the_innocent_passes_after_them(harm):
    found = harm["verdicts"]["innocent"]
    assert len(found) == len(LESSON.checks)
    assert {verdict["outcome"] for verdict in found.values()} == {"pass"}, found


def test_the_host_is_unhurt(harm):
    assert harm["after"] == harm["before"]
    assert harm["mounts"][0] == harm["mounts"][1]
    assert harm["harmed"] == []
    assert harm["alive"] == []


def test_the_grader_itself_says_nothing(harm):
    assert harm["said"] == ""
