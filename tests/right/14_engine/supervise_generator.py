# right: the waits come from a generator that is told how it was


def waits():
    wait = FIRST
    while True:
        good = yield wait
        wait = FIRST if good else min(LONGEST, wait + wait)


def supervise(start, policy, clock):
    series, times = None, 0
    while True:
        began = clock.now()
        status, stopped = start()
        lasted = clock.now() - began
        if stopped or not wanted(policy, status, times):
            return status
        times += 1
        if series is None:
            series = waits()
            wait = next(series)
        else:
            wait = series.send(lasted >= HEALTHY)
        if not clock.sleep(wait):
            break
    return status
