# mistake: the fork comes before setns, and the child stays outside
# fails: exec_order
# says: pid:

EXEC_ORDER = ["group", "fork", "namespaces", "rights", "exec"]
