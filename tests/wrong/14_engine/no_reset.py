# mistake: a good run does not reset the wait
# fails: supervise_waits
# says: waits between the runs are wrong

def supervise(start, policy, clock):
    wait = 0.0
    for times in itertools.count():
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return status
        wait = min(2 * wait, LONGEST) or FIRST
        if not clock.sleep(wait):
            return status
