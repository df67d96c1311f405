# mistake: the process is moved when its command runs already
# fails: start_inside
# says: its parent came in too late

def start_inside(kernel, path, command):
    pid = kernel.fork()
    if pid == 0:
        command()
    time.sleep(0.001)
    place(kernel, path, pid)
    return pid
