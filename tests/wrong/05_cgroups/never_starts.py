# mistake: the child waits for a signal that nobody sends
# fails: start_inside
# says: never called command()

import signal


def start_inside(kernel, path, command):
    pid = kernel.fork()
    if pid == 0:
        place(kernel, path, kernel.getpid())
        signal.pause()
        command()
    return pid
