# mistake: the cgroup is joined when the host's files are out of sight
# fails: exec_order
# says: The cgroup's files are the host's

EXEC_ORDER = ["namespaces", "group", "rights", "fork", "exec"]
