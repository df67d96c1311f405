# mistake: a good run lets the starts count from 0 again
# fails: supervise_ends
# says: 'on-failure:


def supervise(start, policy, clock):
    wait, times = 0.0, 0
    while True:
        began = clock.now()
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return status
        healthy = clock.now() - began >= HEALTHY
        times = 0 if healthy else times + 1
        wait = FIRST if healthy or not wait else min(2 * wait, LONGEST)
        if not clock.sleep(wait):
            return status
