# right: the command mount(8) for the private part, and a procfs with another source name

import subprocess


def make_private(kernel):
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def mount_proc(kernel, root):
    kernel.mount("none", root + "/proc", "proc", MS_NOEXEC | MS_NOSUID | MS_NODEV | (1 << 21))
