# mistake: the new root is detached, not the old one
# fails: pivot_order
# says: the kernel refuses the step 'pivot'

PIVOT_ORDER = ["bind", "chdir", "detach", "pivot", "home"]
