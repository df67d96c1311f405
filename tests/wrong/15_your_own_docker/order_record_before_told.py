# mistake: the record does not wait for the word of the child
# fails: create_order
# says: it is not ready

CREATE_ORDER = ["fifo", "spawn", "open", "walls", "record", "told"]
