# mistake: a step is missing
# fails: create_order
# says: not a list of the six steps

CREATE_ORDER = ["fifo", "spawn", "open", "walls", "record"]
