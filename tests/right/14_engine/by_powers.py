# right: the wait is computed from a count of short runs; a class is the function

class Supervisor:
    def __call__(self, start, policy, clock):
        short = times = 0
        while True:
            began = clock.now()
            status, stopped = start()
            if stopped or not wanted(policy, status, times):
                break
            times += 1
            short = 0 if clock.now() - began >= HEALTHY else short
            if not clock.sleep(min(FIRST * 2**short, LONGEST)):
                break
            short += 1
        return status


supervise = Supervisor()
