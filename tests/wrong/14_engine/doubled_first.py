# mistake: the first wait is doubled already
# fails: supervise_waits
# says: waits of 0.2, 0.4

def supervise(start, policy, clock):
    wait = FIRST
    for times in itertools.count():
        began = clock.now()
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return status
        wait = FIRST if clock.now() - began >= HEALTHY else min(2 * wait, LONGEST)
        if not clock.sleep(wait):
            return status
