# mistake: 4096 numbers are looked at, "more than anybody has"
# fails: closed
# says: open

import contextlib


def close_inherited(first):
    for number in range(first, 4096):
        with contextlib.suppress(OSError):
            os.set_inheritable(number, False)
