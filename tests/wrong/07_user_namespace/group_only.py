# mistake: the user stays the old one
# fails: root_file
# says: belongs to the wrong ids outside


def become_root(kernel):
    kernel.setresgid(0, 0, 0)
