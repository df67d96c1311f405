# mistake: it starts again what a user has stopped
# fails: supervise_ends
# says: too many

def supervise(start, policy, clock):
    wait = 0.0
    for times in itertools.count():
        began = clock.now()
        status, _ = start()
        if not wanted(policy, status, times):
            return status
        healthy = clock.now() - began >= HEALTHY
        wait = FIRST if healthy or not wait else min(2 * wait, LONGEST)
        if not clock.sleep(wait):
            return status
