# mistake: a run of exactly HEALTHY seconds is no good one
# fails: supervise_waits
# says: The waits between the runs are wrong

def supervise(start, policy, clock):
    wait = 0.0
    for times in itertools.count():
        began = clock.now()
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return status
        healthy = clock.now() - began > HEALTHY
        wait = FIRST if healthy or not wait else min(2 * wait, LONGEST)
        if not clock.sleep(wait):
            return status
