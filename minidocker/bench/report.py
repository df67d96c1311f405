"""The report in words: one small table for each section, and the targets with their verdicts."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

Result = dict[str, Any]

# (what is promised, section, the ratio or figure that is compared, its limit)
TARGETS = (
    ("a run takes no longer than runc's", "start", "runc", 1.0),
    ("a run takes at most a fifth of Podman's", "start", "podman", 0.2),
    ("image import takes at most twice tar -x plus sha256sum", "import", "ratio", 2.0),
    ("the verdict on lesson 01 takes under 5 seconds", "grade", "seconds", 5.0),
)


def machine() -> Result:
    """Return what the figures depend on."""
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def heading(facts: Result, runs: int) -> str:
    """Return the first lines of the report."""
    return (
        f"Linux {facts['kernel']} {facts['architecture']}, {facts['cpus']} CPUs, "
        f"Python {facts['python']}, load {facts['load']}\n"
        f"medians of {runs} runs; the programs take turns; times in milliseconds unless said\n"
    )


def targets(found: dict[str, Result]) -> list[Result]:
    """Compare what was measured with what is promised; what was not measured is left out."""
    verdicts = []
    for promise, section, key, limit in TARGETS:
        measured = figure(found.get(section, {}), key)
        if measured is not None:
            verdicts.append(
                {"promise": promise, "limit": limit, "measured": measured, "met": measured <= limit}
            )
    return verdicts


def figure(result: Result, key: str) -> float | None:
    """Return a section's figure: its own value, or our time as a share of a rival's."""
    if key in result:
        return float(result[key])
    rows = {row["name"]: row for row in result.get("rows", ()) if "problem" not in row}
    if key in rows and "minidocker" in rows:
        return round(float(rows["minidocker"]["wall_ms"] / rows[key]["wall_ms"]), 3)
    return None


def told(name: str, result: Result) -> str:
    """Return one section as text."""
    title, tell = TELLERS[name]
    body = f"  not measured: {result['problem']}" if "problem" in result else tell(result)
    return f"\n{title.format_map(Blank(result))}\n{body}"


class Blank(dict[str, Any]):
    """A result whose missing figures are shown as a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


def table(rows: list[Result], columns: dict[str, str]) -> str:
    """Return rows as text; columns is key → heading. A row with a problem tells that instead."""
    lines = [" " * 24 + "".join(f"{head:>11}" for head in columns.values())]
    for row in rows:
        left = f"  {(row['name'] + ' ' + row.get('version', '')).strip():<22}"
        if "problem" in row:
            lines.append(f"{left}  {row['problem']}")
        else:
            lines.append(left + "".join(f"{row.get(key, ''):>11}" for key in columns))
    return "\n".join(lines)


def tell_start(result: Result) -> str:
    """Tell wall and CPU time of each program."""
    columns = {"wall_ms": "wall", "p90_ms": "90 %", "cpu_ms": "CPU", "ratio": "ratio"}
    note = (
        "\n  All drop capabilities and mask paths; minidocker and Podman load a seccomp filter too."
        "\n  The others make cgroups; minidocker does where version 2 is all that the machine has."
    )
    return table(result["rows"], columns) + note


def tell_cgroups(result: Result) -> str:
    """Tell what cgroups cost runc."""
    return (
        f"  {result['cgroups_ms']} of {result['with_ms']}: where the cgroup tree is read-only, "
        f"runc goes on without, and takes {result['without_ms']}.\n"
        "  Both were started through nsenter."
    )


def tell_network(result: Result) -> str:
    """Tell wall and CPU time with and without a network."""
    columns = {"wall_ms": "wall", "p90_ms": "90 %", "cpu_ms": "CPU", "ratio": "ratio"}
    return table(result["rows"], columns) + "\n  All were started through nsenter."


def tell_many(result: Result) -> str:
    """Tell seconds and ratios."""
    return table(result["rows"], {"seconds": "seconds", "ratio": "ratio"})


def tell_memory(result: Result) -> str:
    """Tell MiB, and whose."""
    lines = []
    for row in result["rows"]:
        if "problem" in row:
            lines.append(f"  {row['name']:<22}  {row['problem']}")
        else:
            whose = ", ".join(f"{name} {kib / 1024:.1f}" for name, kib in row["processes"].items())
            lines.append(f"  {row['name']:<22}{row['kib'] / 1024:>11.1f}   {whose}")
    return "\n".join(lines)


def tell_stages(result: Result) -> str:
    """Tell the share of each step; those under 0.1 ms together."""
    long = [row for row in result["rows"] if row["ms"] >= 0.1]
    rest = round(sum(row["ms"] for row in result["rows"] if row["ms"] < 0.1), 2)
    whole = round(sum(row["ms"] for row in result["rows"]), 2)
    ends = [{"name": "shorter steps", "ms": rest}, {"name": "together", "ms": whole}]
    return table([*long, *ends], {"ms": "ms"})


def tell_import(result: Result) -> str:
    """Tell the import against its two parts."""
    return (
        f"  image import {result['import']} s; tar -x {result['tar']} s + sha256sum "
        f"{result['sha256sum']} s; ratio {result['ratio']}"
    )


def tell_images(result: Result) -> str:
    """Tell pulls and pushes; the ratio is a pull's, against our own."""
    columns = {"pull": "pull s", "push": "push s", "mib": "peak MiB", "ratio": "ratio"}
    note = "\n  Each pull fills an empty store, each push an empty registry, on loopback."
    return table(result["rows"], columns) + note


def tell_grade(result: Result) -> str:
    """Tell how long a learner waits."""
    return f"  {result['seconds']} s"


def tell_targets(verdicts: list[Result]) -> str:
    """Tell which promises hold here, in words and not by colour."""
    lines = [
        f"  {'met' if verdict['met'] else 'NOT MET':<8} {verdict['promise']}: "
        f"{verdict['measured']} (limit {verdict['limit']})"
        for verdict in verdicts
    ]
    return "\n".join(["\npromises", *lines]) if lines else ""


TELLERS = {
    "start": ("start to exit of `true`: same root directory, same six namespaces", tell_start),
    "cgroups": ("what cgroups cost runc, in that time", tell_cgroups),
    "network": ("what a network costs our own run", tell_network),
    "sequence": ("{count} runs of each, in turn", tell_many),
    "parallel": ("{count} runs at once", tell_many),
    "memory": ("peak memory beside a running command, MiB", tell_memory),
    "stages": ("where the time of our own run goes", tell_stages),
    "import": ("image import of a root file system ({mb} MB in {files} files)", tell_import),
    "images": ("pull and push of an image ({mb} MB packed)", tell_images),
    "grade": ("verdict on lesson 01", tell_grade),
}


class Progress:
    """A bar on standard error, while it is a terminal; nothing elsewhere."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.section = ""
        self.live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def begin(self, section: str) -> None:
        """Name the section that starts now."""
        self.section = section

    def tick(self, word: str) -> None:
        """Show that a section is at `word`."""
        self.draw(f"{self.section}: {word}")

    def draw(self, text: str) -> None:
        """Draw the bar: sections done, and what goes on."""
        if self.live:
            bar = ("#" * self.done).ljust(self.total, ".")
            sys.stderr.write(f"\r\033[K[{bar}] {text[:60]}")
            sys.stderr.flush()

    def end(self) -> None:
        """Take the bar away; a section is done."""
        self.done += 1
        self.clear()

    def clear(self) -> None:
        """Take the bar away."""
        if self.live:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
