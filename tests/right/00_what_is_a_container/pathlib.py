# right: pathlib and samefile instead of os.stat

from pathlib import Path


def namespaces_of(pid):
    return {entry.name: entry.stat().st_ino for entry in Path("/proc", str(pid), "ns").iterdir()}


def has_own_root(pid):
    return not os.path.samefile("/", f"/proc/{pid}/root")
