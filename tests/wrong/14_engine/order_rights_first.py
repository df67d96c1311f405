# mistake: the rights are given up before setns needs them
# fails: exec_order
# says: setns(2) needs the rights of root

EXEC_ORDER = ["group", "rights", "namespaces", "fork", "exec"]
