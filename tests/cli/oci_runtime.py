"""The OCI runtime as its tests call it: the real command over a bundle of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY

ALL = ("bounding", "effective", "permitted")


class Runtime:
    """The real command over a root directory and a bundle of its own."""

    def __init__(self, directory: Path, tree: Path) -> None:
        self.directory, self.tree = directory, tree
        self.root = directory / "state"
        self.bundle = directory / "bundle"
        self.bundle.mkdir()
        self("spec", "--bundle", self.bundle)
        self.config: dict[str, Any] = json.loads((self.bundle / "config.json").read_text())
        self.config["process"].update(terminal=False, noNewPrivileges=False)
        self.config["root"] = {"path": str(tree), "readonly": True}
        self.linux: dict[str, Any] = self.config["linux"]
        self.count = 0

    def __call__(self, *words: object, check: bool = True, **more: Any) -> subprocess.CompletedProcess:
        argv = [sys.executable, "-m", "minidocker", "oci", "--root", str(self.root), *map(str, words)]
        more.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=REPOSITORY, **more)
        assert not check or done.returncode == 0, done.stderr
        return done

    def write(self, script: str = "", name: str = "box") -> None:
        """Write config.json; the cgroup is this run's own, since others may have the same names."""
        if script:
            self.config["process"]["args"] = ["/bin/sh", "-c", script]
        own = {"cgroupsPath": f"/minidocker/{name}-{os.getpid()}"}
        linux = own | self.config["linux"]
        (self.bundle / "config.json").write_text(json.dumps({**self.config, "linux": linux}))

    def run(self, script: str = "", *options: object, **more: Any) -> subprocess.CompletedProcess:
        self.count += 1
        self.write(script, f"one{self.count}")
        return self("run", "--bundle", self.bundle, *options, f"one{self.count}", **more)

    def create(self, script: str, name: str = "box", *options: object) -> int:
        """Create a container; return its pid."""
        self.write(script, name)
        file = self.directory / f"{name}.pid"
        self.quietly("create", "--bundle", self.bundle, "--pid-file", file, *options, name)
        return int(file.read_text())

    def quietly(self, *words: object) -> None:
        """Call a verb that ends before what it starts: that would hold our pipe open."""
        path = self.directory / f"{words[-1]}.out"
        with open(path, "w") as out:
            argv = [sys.executable, "-m", "minidocker", "oci", "--root", str(self.root), *map(str, words)]
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=REPOSITORY, timeout=60)
        assert done.returncode == 0, path.read_text()

    def state(self, name: str = "box") -> dict[str, Any]:
        return json.loads(self("state", name).stdout)


def cgroups() -> set[str]:
    """Return the cgroups of this run's containers; those of others come and go meanwhile."""
    return {
        f"{folder}/{name}"
        for folder, names, _ in os.walk("/sys/fs/cgroup")
        for name in names
        if os.path.basename(folder) == "minidocker" and name.endswith((f"-{os.getpid()}", "-two"))
    }
