# mistake: nobody takes the new ids: the process still is root of the host
# fails: root_file
# says: belongs to the wrong ids outside


def become_root(kernel):
    pass
