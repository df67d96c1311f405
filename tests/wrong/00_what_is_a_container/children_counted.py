# mistake: pid_for_children speaks of children
# fails: walls_ten
# says: pid_for_children: not expected

def walls_of(pid):
    try:
        if status_of(pid)["State"].startswith("Z"):
            raise LookupError(pid)
        ours = namespaces_of("self")
        walls = {name for name, number in namespaces_of(pid).items() if number != ours[name]}
        return walls | ({"root"} if has_own_root(pid) else set())
    except FileNotFoundError:
        raise LookupError(pid) from None
