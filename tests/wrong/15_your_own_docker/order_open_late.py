# mistake: behind the walls the pipe has no name
# fails: create_order
# says: has no name

CREATE_ORDER = ["fifo", "spawn", "walls", "open", "told", "record"]
