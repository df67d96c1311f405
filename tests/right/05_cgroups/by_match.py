# right: match, pathlib and waitstatus_to_exitcode

from pathlib import Path


def why_died(path, status):
    match os.waitstatus_to_exitcode(status):
        case code if code >= 0:
            return "exit " + str(code)
        case -9:
            try:
                events = dict(
                    row.split() for row in (Path(path) / "memory.events").read_text().splitlines()
                )
            except OSError:
                events = {}
            if events.get("oom_kill", "0") != "0":
                return "out of memory"
            return "signal 9"
        case code:
            return f"signal {-code}"
