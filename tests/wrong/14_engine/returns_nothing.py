# mistake: its last exit status is lost
# fails: supervise_ends
# says: supervise returned None

def supervise(start, policy, clock):
    wait = 0.0
    for times in itertools.count():
        began = clock.now()
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return None
        healthy = clock.now() - began >= HEALTHY
        wait = FIRST if healthy or not wait else min(2 * wait, LONGEST)
        if not clock.sleep(wait):
            return None
