# mistake: the old root in a directory is not seen
# fails: check_pivot
# says: old root kept in a directory: expected False

def check_pivot(pid):
    root = identity(f"/proc/{pid}/root")
    return top_of(f"/proc/{pid}/root") == root == top_of(f"/proc/{pid}/cwd")
