# mistake: no new namespace: the name is everybody's
# fails: hostname_kept
# says: changed for everybody

def set_hostname(kernel, name):
    kernel.sethostname(name)
