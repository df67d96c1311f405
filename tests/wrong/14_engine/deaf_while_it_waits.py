# mistake: it does not hear that it was stopped while it waited
# fails: supervise_ends
# says: a user stops it in wait

def supervise(start, policy, clock):
    wait = 0.0
    for times in itertools.count():
        began = clock.now()
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return status
        healthy = clock.now() - began >= HEALTHY
        wait = FIRST if healthy or not wait else min(2 * wait, LONGEST)
        clock.sleep(wait)
