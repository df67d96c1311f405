# right: from the bottom of the call stack to the top; all controllers in one write

def make_cgroup(kernel, path):
    if path.rstrip("/") == ROOT:
        return
    above = os.path.dirname(path.rstrip("/"))
    make_cgroup(kernel, above)
    offered = set(kernel.read(f"{above}/cgroup.controllers").split()) & set(CONTROLLERS)
    if offered:
        kernel.write(f"{above}/cgroup.subtree_control", " ".join("+" + name for name in offered))
    os.makedirs(path, exist_ok=True)


def why_died(path, status):
    code = os.waitstatus_to_exitcode(status)
    try:
        words = open(f"{path}/memory.events").read().split()
        kills = int(words[words.index("oom_kill") + 1])
    except OSError:
        kills = 0
    if code == -9 and kills:
        return "out of memory"
    return f"exit {code}" if code >= 0 else f"signal {-code}"
