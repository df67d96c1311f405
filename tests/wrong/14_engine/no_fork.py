# mistake: no fork after setns: the helper becomes the command, outside of the pid namespace
# fails: exec_place
# says: its caller itself became the command

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    kernel.setns(os.pidfd_open(container.pid), others(container.pid))
    give_up(kernel, container)
    kernel.execve(argv[0], argv, container.env)
