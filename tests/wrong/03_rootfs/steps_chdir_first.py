# mistake: the working directory lies under the bind, not in it
# fails: pivot_order
# says: the kernel refuses the step 'pivot'

PIVOT_ORDER = ["chdir", "bind", "pivot", "detach", "home"]
