# mistake: one step is missing
# fails: exec_order
# says: not a list of the five steps

EXEC_ORDER = ["group", "namespaces", "rights", "exec"]
