# mistake: an outer id, where the kernel wants an inner one
# fails: root_ids
# says: The kernel refused become_root


def become_root(kernel):
    kernel.setresgid(100000, 100000, 100000)
    kernel.setresuid(100000, 100000, 100000)
