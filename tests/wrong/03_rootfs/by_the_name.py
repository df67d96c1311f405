# mistake: everybody's root is called "/"
# fails: check_pivot
# says: expected False

def check_pivot(pid):
    return os.readlink(f"/proc/{pid}/root") == "/"
