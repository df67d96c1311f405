"""The command line: which module answers which word. Thin, and quick for `run`."""

from __future__ import annotations

import os
import sys

from minidocker.errors import KernelError, MinidockerError, UsageError

# Every word of the command line: the module whose main(argv) answers it, how it is written, and
# what it does. --help and the way to the module come from here, and a word stands nowhere else.
WORDS = {
    "the runtime": (
        ("run", "verbs.run", "[OPTIONS] IMAGE COMMAND", "run a command in a container"),
        ("create", "verbs.create", "[OPTIONS] IMAGE COMMAND", "as run -d, but not started yet"),
        ("start", "verbs.start", "[-a] CONTAINER…", "start what was created, or has ended"),
        ("attach", "verbs.attach", "CONTAINER", "join the terminal to what runs alone"),
        ("restart", "verbs.restart", "CONTAINER…", "stop, then start"),
        ("exec", "verbs.exec", "[-it] CONTAINER COMMAND", "one more command in what runs"),
        ("ps", "verbs.ps", "[-a]", "list containers; -a also those that have ended"),
        ("container", "verbs.container", "ls|rm|inspect|…", "the same words, the long way"),
        ("inspect", "verbs.inspect", "NAME…", "all that is known of something, as JSON"),
        ("rename", "verbs.rename", "CONTAINER NEW_NAME", "give a container another name"),
        ("top", "verbs.top", "CONTAINER [PS OPTIONS]", "the processes in a container"),
        ("cp", "verbs.cp", "SOURCE TARGET", "files to or from CONTAINER:PATH"),
        ("diff", "verbs.diff", "CONTAINER", "what a container added, changed and deleted"),
        ("commit", "verbs.commit", "CONTAINER NAME[:TAG]", "an image of a container that ended"),
        ("stats", "verbs.stats", "[CONTAINER…]", "a live table of what containers use"),
        ("xray", "verbs.xray", "PID|NAME", "what a process shares with you, and what it does not"),
        ("escapes", "verbs.escapes", "[--only NAME]", "known ways out, and what stops each"),
        ("rm", "verbs.rm", "[-f] NAME…", "remove containers that have ended; -f: in any case"),
        ("network", "verbs.network", "create|ls|rm|inspect|prune", "networks for --network"),
        ("volume", "verbs.volume", "create|ls|inspect|rm|prune", "directories that outlive runs"),
        ("port", "verbs.port", "CONTAINER [PORT]", "where its published ports are"),
        ("update", "verbs.update", "[-m 64m] CONTAINER…", "other limits for containers"),
        ("events", "verbs.events", "[--since TIME]", "what happens to containers, and when"),
        ("stop", "verbs.stop", "CONTAINER…", "end containers: a signal, some patience, SIGKILL"),
        ("kill", "verbs.kill", "CONTAINER…", "send containers a signal"),
        ("restore", "verbs.restore", "", "after a reboot: start what should run"),
        ("pause", "verbs.pause", "CONTAINER…", "let its processes do nothing for a while"),
        ("unpause", "verbs.unpause", "CONTAINER…", "let them go on"),
        ("wait", "verbs.wait", "CONTAINER…", "until containers end; how they did"),
        ("logs", "verbs.logs", "[-f] CONTAINER", "what a container said that runs alone"),
        ("prune", "verbs.prune", "", "remove what ended or crashed runs left, and nothing else"),
        ("oci", "verbs.oci", "VERB …", "the runtime that Podman, containerd and Docker call"),
    ),
    "images": (
        ("image", "verbs.image", "ls|build-base|import|…", "images, and how they come"),
        ("images", "verbs.images", "", "list images"),
        ("history", "verbs.history", "IMAGE", "the steps that made an image"),
        ("build", "verbs.build", "[-t NAME] DIR|-", "an image from a Dockerfile"),
        ("pull", "verbs.pull", "NAME…", "get an image from a registry"),
        ("push", "verbs.push", "NAME…", "send an image to its registry"),
        ("tag", "verbs.tag", "IMAGE NAME[:TAG]", "one more name for an image"),
        ("rmi", "verbs.rmi", "NAME…", "remove images"),
        ("save", "verbs.save", "NAME… [-o FILE]", "images in one file"),
        ("load", "verbs.load", "[-i FILE]", "images out of one file"),
        ("export", "verbs.export", "CONTAINER [-o FILE]", "a container's files as a tar archive"),
        ("import", "verbs.import_image", "TAR NAME[:TAG]", "an image of a tar archive"),
        ("login", "verbs.login", "[HOST]", "log in to a registry"),
        ("logout", "verbs.logout", "[HOST]", "forget a login"),
        ("search", "verbs.search", "[HOST/]WORD", "look for images at a registry"),
        ("manifest", "verbs.manifest", "inspect NAME", "what a registry says of an image"),
        ("registry", "verbs.registry", "serve", "a registry of your own, with faults to inject"),
        ("system", "verbs.system", "df|prune", "how much the disk holds, and what can go"),
    ),
    "the course": (
        ("grade", "verbs.grade", "[LESSON]", "check your exercises on the real kernel"),
        ("hint", "verbs.hint", "[LESSON]", "the next hint for what failed last"),
        ("borrow", "verbs.borrow", "FUNCTION", "our version of one function, for no points"),
        ("why", "verbs.why", "LESSON [ANSWER]", "explain an order, and compare with ours"),
        ("mine", "verbs.mine", "", "your container so far, and the line that enters it"),
        ("progress", "verbs.progress", "", "your points, lesson by lesson"),
        ("watch", "verbs.watch", "[LESSON]", "grade at each save"),
        ("reset", "verbs.reset", "LESSON", "start a file again; yours is kept"),
        ("class", "verbs.class_of", "new|grade|…", "many submissions: judged, marked, handed back"),
    ),
    "the machine": (
        ("doctor", "doctor.doctor", "[--json]", "what works here, and how to mend what does not"),
        ("room", "verbs.room", "[COMMAND]", "be root where every mistake ends; needs no root"),
        ("vm", "verbs.vm", "up|ssh|run|status|down", "a lab machine of its own, under QEMU"),
        ("uninstall", "verbs.uninstall", "[--dry-run]", "undo all of this, and say first what"),
        ("info", "verbs.info", "", "what runs here, where the store is, what the kernel offers"),
        ("version", "verbs.version", "", "the versions of minidocker, Python and the kernel"),
        ("completion", "verbs.completion", "bash|fish|zsh", "what a shell needs to complete words"),
        ("bench", "bench", "", "compare with runc, crun and Podman, measured here"),
    ),
}
MODULES = {word: module for group in WORDS.values() for word, module, _, _ in group}


def help_text() -> str:
    """Return what `minidocker --help` prints."""
    said = [
        "minidocker: learn what a container is by building one.\n",
        f"  {'minidocker':<40} where you are in the course, and what comes next",
    ]
    for group, words in WORDS.items():
        said += ["", group] + [f"  {f'{word} {how}':<40} {what}" for word, _, how, what in words]
    said.append(
        "\nEach has --help. Exit status: 2 for a wrong command line, 125 when minidocker fails."
    )
    return "\n".join(said)


def main(argv: list[str]) -> int:
    """Run one command; print one sentence and a remedy for what goes wrong; exit status."""
    word, rest = (argv[0], argv[1:]) if argv else ("", [])
    try:
        status = dispatch(word, rest)
        sys.stdout.flush()
        return status
    except MinidockerError as problem:
        complain(problem)
        return 2 if isinstance(problem, UsageError) and word != "run" else problem.status
    except BrokenPipeError:  # who read our output has gone, as `head` does
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)  # or the interpreter's own last flush would complain
        os.dup2(nowhere, 2)
        return 141
    except OSError as problem:
        # Nothing below should let one through; if it does, its own words say more than a traceback.
        if os.environ.get("MINIDOCKER_DEBUG"):
            raise
        complain(unforeseen(problem))
        return 125
    except ImportError as problem:
        complain(MinidockerError(f"open(2) of a module of Python's fails: {problem}", "make setup"))
        return 125
    except KeyboardInterrupt:
        return 130


def unforeseen(problem: OSError) -> MinidockerError:
    """Make a sentence of an error that nothing else has put into words."""
    if not os.stat(".").st_nlink:
        return MinidockerError("the directory that you are in has been removed", "cd /")
    words = str(problem) if isinstance(problem, KernelError) else f"{call_of(problem)}: {problem}"
    return MinidockerError(words, getattr(problem, "remedy", "") or "minidocker doctor")


def call_of(problem: OSError) -> str:
    """Say which call it was that failed, from the line of ours that made it: "flock(2)"."""
    from traceback import extract_tb

    frame = extract_tb(problem.__traceback__)[-1]
    if "importlib" in frame.filename:
        return "open(2) of a module of Python's"
    words = (frame.line or "").split("(")
    return f"{words[-2].split('.')[-1].split()[-1]}(2)" if len(words) > 1 else frame.name


def complain(problem: MinidockerError) -> None:
    """Print the sentence, what to try with Docker's words for it, and a learner's own frames."""
    sys.stdout.flush()
    trace = getattr(problem, "trace", "")
    remedy = f"\n  try: {problem.remedy}" if problem.remedy else ""
    docker = f"   (Docker says: {problem.docker})" if problem.docker else ""
    sys.stderr.write(f"{trace}minidocker: {problem.message}{remedy}{docker}\n")


def dispatch(word: str, rest: list[str]) -> int:
    """Hand the arguments to the module that knows the word."""
    if word in ("help", "--help", "-h"):
        print(help_text())
        return 0
    if word in ("--version", "-v"):
        from minidocker import __version__

        print(f"minidocker {__version__}")
        return 0
    if word == "completion":  # it completes this very table
        from minidocker.verbs import completion

        return completion.main(rest, WORDS)
    name = MODULES.get(word) if word else "verbs.status"
    if not name:
        raise UsageError(f"minidocker has no command {word}", "minidocker --help")
    module = __import__(f"minidocker.{name}", fromlist=["main"])  # importlib would cost `run` 1 ms
    return int(module.main(rest))
