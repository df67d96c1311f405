# mistake: a directory above that is empty afterwards is taken away, too
# fails: remove_beside
# says: the directory above

def remove(kernel, path):
    if not os.path.exists(path):
        return
    kernel.write(f"{path}/cgroup.kill", "1")
    places = [directory for directory, _, _ in os.walk(path, topdown=False)]
    above = os.path.dirname(path)
    if sum(entry.is_dir() for entry in os.scandir(above)) == 1:
        places.append(above)
    for directory in places:
        while os.path.exists(directory):
            try:
                kernel.rmdir(directory)
            except OSError as problem:
                if problem.errno != EBUSY:
                    raise
                time.sleep(0.01)
