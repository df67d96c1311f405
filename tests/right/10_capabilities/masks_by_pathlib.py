# right: pathlib, and paths as objects

from pathlib import Path


def mask_paths(kernel, paths):
    for p in map(Path, paths):
        if p.is_dir():
            kernel.mount("none", p, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0")
        elif p.exists():
            kernel.mount("/dev/null", p, "none", MS_BIND)
