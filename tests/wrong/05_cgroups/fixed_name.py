# mistake: the name is written down instead of taken from the argument
# fails: make_path
# says: MISSING

def make_cgroup(kernel, path):
    os.makedirs(f"{ROOT}/minidocker/box", exist_ok=True)
