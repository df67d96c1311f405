# mistake: being number 1 is enough for this check
# fails: check_spawn
# says: process 1 of your own namespace

def check_spawn(pid):
    return numbers_of(pid)[-1] == 1
