# mistake: no new process is made
# fails: start_inside
# says: nobody was forked

def start_inside(kernel, path, command):
    place(kernel, path, kernel.getpid())
    command()
