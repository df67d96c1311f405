# mistake: the new root is bound after the pivot
# fails: pivot_order
# says: bind it onto itself first

PIVOT_ORDER = ["chdir", "pivot", "bind", "detach", "home"]
