# right: a class is called, and its __new__ gives the answer


class exit_status:
    """A class can be called, too: what __new__ gives is the answer."""

    def __new__(cls, status):
        return 128 + (status & 0x7F) if status & 0x7F else status >> 8
