# mistake: it calls itself for each start: after a thousand the stack is full
# fails: supervise_ends
# says: RecursionError

def supervise(start, policy, clock, wait=0.0, times=0):
    began = clock.now()
    status, stopped = start()
    if stopped or not wanted(policy, status, times):
        return status
    wait = FIRST if clock.now() - began >= HEALTHY or not wait else min(2 * wait, LONGEST)
    if not clock.sleep(wait):
        return status
    return supervise(start, policy, clock, wait, times + 1)
