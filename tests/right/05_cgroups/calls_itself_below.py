# right: removal calls itself for the cgroups below, and takes what has gone for done

def remove(kernel, path):
    try:
        kernel.write(path + "/cgroup.kill", "1")
    except FileNotFoundError:
        return
    inner = [os.path.join(path, name) for name in os.listdir(path) if os.path.isdir(os.path.join(path, name))]
    for one in inner:
        remove(kernel, one)
    while True:
        try:
            return kernel.rmdir(path)
        except FileNotFoundError:
            return
        except OSError as problem:
            if problem.errno != EBUSY:
                raise
        time.sleep(0.003)
