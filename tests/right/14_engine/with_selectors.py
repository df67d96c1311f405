# right: the pump uses selectors, and keeps a line until its end

import selectors


def log_pump(streams, write):
    lost, rest = 0, dict.fromkeys(streams, b"")

    def entry(name, data):
        nonlocal lost
        for at in range(0, len(data), PIECE):
            try:
                write(name, data[at : at + PIECE])
            except OSError:
                lost += 1

    with selectors.DefaultSelector() as ready:
        for name, fd in streams.items():
            ready.register(fd, selectors.EVENT_READ, name)
        while ready.get_map():
            for key, _ in ready.select():
                data = os.read(key.fd, 4096)
                if not data:
                    ready.unregister(key.fd)
                    entry(key.data, rest[key.data])
                    continue
                *lines, rest[key.data] = (rest[key.data] + data).split(b"\n")
                for line in lines:
                    entry(key.data, line + b"\n")
    return lost
