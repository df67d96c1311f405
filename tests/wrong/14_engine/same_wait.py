# mistake: it waits the same time each time
# fails: supervise_waits
# says: waits of 0.1, 0.1

def supervise(start, policy, clock):
    for times in itertools.count():
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return status
        if not clock.sleep(FIRST):
            return status
