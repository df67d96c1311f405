"""How a record says that its container has to do with a pod: by an annotation."""

NOTE, HOLDER = "minidocker.pod", "holder"  # else it is the id of the holder
