# mistake: the rights are given up by the child, which is inside already
# fails: exec_order
# says: born in the container with more power

EXEC_ORDER = ["group", "namespaces", "fork", "rights", "exec"]
