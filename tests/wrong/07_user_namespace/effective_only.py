# mistake: the real and the saved ids stay: the old ones can be taken back
# fails: root_ids
# says: Uid


def become_root(kernel):
    kernel.setresgid(-1, 0, -1)
    kernel.setresuid(-1, 0, -1)
