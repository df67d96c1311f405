"""The report in words: one small table for each section, and the targets with their verdicts."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

Result = dict[str, Any]

BRIDGES = "a bridge that stands"
NOISE = 1.5  # a run in ten took so many times the median: other programs are in the figures
# (what is promised, section, the ratio or figure that is compared, its limit)
TARGETS = (
    ("a run takes no longer than runc's", "start", "runc", 1.0),
    ("a run takes at most a fifth of Podman's", "start", "podman", 0.2),
    ("a start is at most 1.75 bare Pythons, in instructions", "instructions", "ratio", 1.75),
    ("a bridge that stands makes a run at most 1.8 times as long", "network", BRIDGES, 1.8),
    ("twenty at once take no longer than runc's", "parallel", "runc", 1.0),
    ("as a runtime, a container takes at most twice runc's time", "oci", "verbs_ratio", 2.0),
    ("podman by ours takes at most 1.3 times podman by runc", "oci", "podman_ratio", 1.3),
    ("run -d takes at most a fifth of Podman's time", "engine", "run_ms_ratio", 0.2),
    ("exec takes at most a fifth of Podman's time", "engine", "exec_ms_ratio", 0.2),
    ("ps takes no longer than Podman's", "engine", "ps_ms_ratio", 1.0),
    ("many at once take at most a fifth of Podman's time", "engine", "many_s_ratio", 0.2),
    ("a log takes no longer than conmon's", "engine", "log_s_ratio", 1.0),
    ("a log loses no byte", "engine", "lost", 0.0),
    ("beside a command stand at most 10 MiB", "memory", "minidocker", 10.0),
    ("image import takes at most twice tar -x plus sha256sum", "import", "ratio", 2.0),
    ("a pull takes at most 1.5 times podman pull", "images", "pull_ratio", 1.5),
    ("a push takes at most 1.5 times podman push", "images", "push_ratio", 1.5),
    ("a pull needs under 64 MiB, whatever the layer's size", "images", "peak", 64.0),
    ("a Dockerfile of ten steps takes no longer than podman build", "images", "build_ratio", 1.0),
    ("a build out of the cache takes under 0.3 s", "images", "cached", 0.3),
    ("the verdict on lesson 01 takes under 5 seconds", "grade", "seconds", 5.0),
    ("5,000 submissions cost the coordinator at most 200 MB", "class", "mb_at_5000", 200.0),
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
    """Compare what was measured with what is promised; what was not measured is left out.

    `noisy` when other programs disturbed the runs so much that the verdict is none.
    """
    verdicts = []
    for promise, section, key, limit in TARGETS:
        result = found.get(section, {})
        measured = figure(result, key)
        if measured is not None:
            verdicts.append(
                {"promise": promise, "limit": limit, "measured": measured,
                 "met": measured <= limit, "noisy": noisy(result, key)}
            )  # fmt: skip
    return verdicts


def rows_by_name(result: Result) -> dict[str, Result]:
    """Return the rows that were measured."""
    return {row["name"]: row for row in result.get("rows", ()) if "problem" not in row}


def figure(result: Result, key: str) -> float | None:
    """Return a section's figure: its own value, a row's MiB, or one row's time in another's."""
    if key in result:
        return float(result[key])
    rows = rows_by_name(result)
    if key in rows and "kib" in rows[key]:
        return round(float(rows[key]["kib"]) / 1024, 2)
    if key == BRIDGES and key in rows:  # the first row has no network
        return float(rows[key]["ratio"])
    if key in rows and key != "minidocker" and "minidocker" in rows:
        unit = "wall_ms" if "wall_ms" in rows[key] else "seconds"
        return round(float(rows["minidocker"][unit] / rows[key][unit]), 3)
    return None


def noisy(result: Result, key: str) -> bool:
    """Say whether the rows that a figure compares were disturbed too much to tell."""
    rows = rows_by_name(result)
    first = next(iter(rows.values()), {})
    both = [first, rows.get(key, first)]
    return any(row.get("p90_ms", 0) > NOISE * row.get("wall_ms", 1) for row in both)


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
        "\n  runc and crun were asked for the same namespaces, capabilities, masks and filter."
        "\n  They make cgroups; minidocker does where version 2 is all that the machine has."
    )
    return table(result["rows"], columns) + note


def tell_instructions(result: Result) -> str:
    """Tell millions of instructions, and the ratio."""
    return (
        f"  a bare Python {result['bare'] / 1e6:.1f} million; up to the first line of `run` "
        f"{result['start'] / 1e6:.1f}; ratio {result['ratio']}"
    )


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


def tell_oci(result: Result) -> str:
    """Tell both tables."""
    columns = {"wall_ms": "wall", "p90_ms": "90 %", "least_ms": "least", "cpu_ms": "CPU"}
    verbs, podman = (table(result[name], columns) for name in ("verbs", "podman"))
    return f"{verbs}\n  `podman run`:\n{podman}"


def tell_engine(result: Result) -> str:
    """Tell what each word takes, and what stands beside each container."""
    columns = {"run_ms": "run -d ms", "exec_ms": "exec ms", "ps_ms": "ps ms", "many_s": "at once s",
               "mib": "MiB each", "log_s": "log s", "lost": "lost"}  # fmt: skip
    return table(result["rows"], columns)


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
    builds = table(result.get("builds", []), {"build": "build s", "cached": "cached s"})
    more = "\n  A Dockerfile of ten steps, done and out of the cache:\n" + builds
    return table(result["rows"], columns) + note + more


def tell_grade(result: Result) -> str:
    """Tell how long a learner waits."""
    return f"  {result['seconds']} s"


def tell_class(result: Result) -> str:
    """Tell what a submission takes, and what very many take beside their judging."""
    cores = result["cores"]
    lines = [f"  {result[f'jobs_{jobs}']} s a submission with {jobs} at once"
             for jobs in sorted({1, cores})]  # fmt: skip
    lines.append(f"  {result['speedup']} times as fast on {cores} cores")
    lines.append(f"  {result['many']} judged at once: {result['many_seconds']} s, coordinator "
                 f"{result['coordinator_mb']} MB; pages {result['pages_seconds']} s, the teacher's "
                 f"{result['page_kb']} kB")  # fmt: skip
    return "\n".join(lines)


def tell_targets(verdicts: list[Result]) -> str:
    """Tell which promises hold here, in words and not by colour."""
    lines = [
        f"  {word(verdict):<8} {verdict['promise']}: "
        f"{verdict['measured']} (limit {verdict['limit']})"
        for verdict in verdicts
    ]
    if any(verdict["noisy"] for verdict in verdicts):
        lines.append(
            f"  noisy: a run in ten took more than {NOISE} times the median. "
            "Measure again when nothing else runs."
        )
    return "\n".join(["\npromises", *lines]) if lines else ""


def word(verdict: Result) -> str:
    """Say in a word what became of a promise."""
    if verdict["noisy"]:
        return "noisy"
    return "met" if verdict["met"] else "NOT MET"


TELLERS = {
    "start": ("start to exit of `true`: same root directory, same six namespaces", tell_start),
    "instructions": ("what a start costs, in instructions", tell_instructions),
    "cgroups": ("what cgroups cost runc, in that time", tell_cgroups),
    "network": ("what a network costs our own run", tell_network),
    "sequence": ("{count} runs of each, in turn", tell_many),
    "parallel": ("{count} runs at once", tell_many),
    "engine": ("what runs alone: {many} at once and in `ps`, a log of {mb} MB", tell_engine),
    "memory": ("peak memory beside a running command, MiB", tell_memory),
    "oci": ("create, start and delete of `true`, as a runtime; and Podman by it", tell_oci),
    "stages": ("where the time of our own run goes", tell_stages),
    "import": ("image import of a root file system ({mb} MB in {files} files)", tell_import),
    "images": ("pull and push of an image ({mb} MB packed), and a build", tell_images),
    "grade": ("verdict on lesson 01", tell_grade),
    "class": ("a class of {submissions}, lessons 00 and 01", tell_class),
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
