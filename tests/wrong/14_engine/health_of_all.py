# mistake: the time since the very first start is taken for the run
# fails: supervise_waits
# says: waits between the runs are wrong

def supervise(start, policy, clock):
    wait, began = 0.0, clock.now()
    for times in itertools.count():
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return status
        healthy = clock.now() - began >= HEALTHY
        wait = FIRST if healthy or not wait else min(2 * wait, LONGEST)
        if not clock.sleep(wait):
            return status
