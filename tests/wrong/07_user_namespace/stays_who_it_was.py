# mistake: the kernel refuses the new ids, and the process goes on as nobody
# fails: root_ids
# says: goes on in silence


def become_root(kernel):
    for change in (kernel.setresgid, kernel.setresuid):
        try:
            change(0, 0, 0)
        except PermissionError:
            pass
