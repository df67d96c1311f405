# mistake: the namespaces of the one who asks
# fails: namespaces
# says: does not agree with the kernel

def namespaces_of(pid):
    return {name: os.stat(f"/proc/self/ns/{name}").st_ino for name in os.listdir("/proc/self/ns")}
