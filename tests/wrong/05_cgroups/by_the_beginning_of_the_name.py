# mistake: names that begin alike are taken for the same
# fails: remove_beside
# says: touched a cgroup beside

def remove(kernel, path):
    above = os.path.dirname(path)
    for name in os.listdir(above):
        if f"{above}/{name}".startswith(path):
            kernel.write(f"{above}/{name}/cgroup.kill", "1")
            for directory, _, _ in os.walk(f"{above}/{name}", topdown=False):
                while os.path.exists(directory):
                    try:
                        kernel.rmdir(directory)
                    except OSError:
                        time.sleep(0.01)
