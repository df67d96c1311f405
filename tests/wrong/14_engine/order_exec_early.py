# mistake: the command begins before its rights are given up
# fails: exec_order
# says: never comes

EXEC_ORDER = ["group", "namespaces", "exec", "rights", "fork"]
