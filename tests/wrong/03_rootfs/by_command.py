# mistake: a command is run: it pivots, and ends; its own working directory moves, not ours
# fails: pivot_climb
# says: leads to files of the host

import subprocess


def pivot(kernel, new_root):
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.mkdir(f"{new_root}/old")
    subprocess.run(["pivot_root", new_root, f"{new_root}/old"], check=True)
    kernel.umount2("/old", MNT_DETACH)
    os.rmdir("/old")
