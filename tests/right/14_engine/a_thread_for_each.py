# right: a thread for each stream, and a lock

def log_pump(streams, write):
    import threading
    lock, lost = threading.Lock(), [0]
    def one(name, fd):
        while data := os.read(fd, 4096):
            while data:
                at = data.find(b"\n") + 1 or len(data)
                entry, data = data[:at], data[at:]
                with lock:
                    try:
                        write(name, entry)
                    except OSError:
                        lost[0] += 1
    threads = [threading.Thread(target=one, args=pair) for pair in streams.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return lost[0]
