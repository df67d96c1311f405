# mistake: it sleeps by the machine's clock
# fails: supervise_waits
# says: waits of nothing

def supervise(start, policy, clock):
    import time

    for times in itertools.count():
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return status
        time.sleep(0.001)
