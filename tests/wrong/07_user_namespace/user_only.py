# mistake: the group stays that of the host
# fails: root_ids
# says: Gid


def become_root(kernel):
    kernel.setresuid(0, 0, 0)
