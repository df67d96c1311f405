# mistake: the first run is counted as a start again
# fails: supervise_ends
# says: on-failure:

def supervise(start, policy, clock):
    wait = 0.0
    for times in itertools.count(1):
        began = clock.now()
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return status
        healthy = clock.now() - began >= HEALTHY
        wait = FIRST if healthy or not wait else min(2 * wait, LONGEST)
        if not clock.sleep(wait):
            return status
