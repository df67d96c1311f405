# mistake: the parent hears "ready" before the walls stand
# fails: create_order
# says: before the walls stand

CREATE_ORDER = ["fifo", "spawn", "open", "told", "walls", "record"]
