# right: the processes are looked for with pathlib and glob

from pathlib import Path


def host_pid_of(init, inner):
    try:
        namespace = Path(f"/proc/{init}/ns/pid").readlink()
    except OSError:
        raise LookupError(init) from None
    for place in Path("/proc").glob("[0-9]*"):
        try:
            lines = (place / "status").read_text().splitlines()
            numbers = next(line for line in lines if line.startswith("NSpid:")).split()[1:]
            if (place / "ns/pid").readlink() == namespace and int(numbers[-1]) == inner:
                return int(place.name)
        except OSError:
            pass
    raise LookupError(inner)
