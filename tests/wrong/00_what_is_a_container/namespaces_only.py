# mistake: walls are more than namespaces
# fails: walls_ten
# says: chroot only: MISSING root

def walls_of(pid):
    ours = namespaces_of("self")
    return {
        name
        for name, number in namespaces_of(pid).items()
        if number != ours[name] and "_for_" not in name
    }
