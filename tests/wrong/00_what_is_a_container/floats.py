# mistake: the number is right, and no int
# fails: namespaces
# says: does not agree with the kernel


def namespaces_of(pid):
    return {n: float(os.stat(f"/proc/{pid}/ns/{n}").st_ino) for n in os.listdir(f"/proc/{pid}/ns")}
