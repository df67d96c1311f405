# mistake: what the helper has in its environment comes along
# fails: exec_place
# says: another environment than container.env

def exec_in(kernel, container, argv):
    words = dict(os.environ)
    kernel.write(f"{container.group}/cgroup.procs", "0")
    process = os.pidfd_open(container.pid)
    kernel.setns(process, others(container.pid))
    os.close(process)
    give_up(kernel, container)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, {**words, **container.env})
    return pid
