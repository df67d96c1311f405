# mistake: it looks the number up and signals that: −1 is everybody
# fails: stop_nobody_else
# says: Another process was hurt

def stop(pidfd, grace):
    with open(f"/proc/self/fdinfo/{pidfd}") as file:
        pid = int(next(line for line in file if line.startswith("Pid:")).split()[1])
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    os.kill(pid, signal.SIGTERM)
    if poll.poll(grace * 1000):
        return True
    os.kill(pid, signal.SIGKILL)
    return False
