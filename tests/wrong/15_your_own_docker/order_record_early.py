# mistake: the record is written as soon as there is a pid
# fails: create_order
# says: it is not ready

CREATE_ORDER = ["fifo", "spawn", "record", "open", "walls", "told"]
