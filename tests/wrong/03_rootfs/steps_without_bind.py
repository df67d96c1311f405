# mistake: a step is left out
# fails: pivot_order
# says: not a list of the five steps

PIVOT_ORDER = ["chdir", "pivot", "detach", "home"]
