# mistake: the pipe is opened before it is made
# fails: create_order
# says: not there yet

CREATE_ORDER = ["spawn", "open", "fifo", "walls", "told", "record"]
