# mistake: join knows three kinds of namespaces, those that it was thought of with
# fails: join
# says: cgroup

FLAGS = {"net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000}


def join(kernel, pid, kinds):
    process = os.pidfd_open(pid)
    kernel.setns(process, sum(FLAGS.get(kind, 0) for kind in kinds))
    os.close(process)
