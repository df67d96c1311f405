# mistake: each line of the table is made private by its name, and a blank in it is written \\040
# fails: private_below
# says: two words

def make_private(kernel):
    with open("/proc/self/mountinfo") as file:
        points = [line.split()[4] for line in file]
    for point in points:
        try:
            kernel.mount("", point, "", MS_PRIVATE)
        except OSError:
            continue
