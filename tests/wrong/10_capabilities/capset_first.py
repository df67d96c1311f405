# mistake: the rights are given up before the steps that need them
# fails: drop_order
# says: the kernel refuses the step

DROP_ORDER = ["capset", "bounding", "user", "exec"]
