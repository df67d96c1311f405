"""Words: which module answers which word of the command line, and what `--help` says of it."""

from __future__ import annotations

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
        ("network", "verbs.network", "create|ls|connect|…", "networks for --network"),
        ("volume", "verbs.volume", "create|ls|inspect|rm|prune", "directories that outlive runs"),
        ("pod", "verbs.pod", "create|ls|rm", "containers that share network and memory"),
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
        ("exam", "verbs.exam", "[--page DIR]", "Podman runs on your functions"),
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
# Words that Docker has not. A wrong line of theirs ends with 2, as of most programs.
OWN = {
    *(word for group in ("the course", "the machine") for word, *_ in WORDS[group]),
    "escapes", "oci", "pod", "prune", "registry", "restore", "xray",
} - {"completion", "info", "version"}  # fmt: skip
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
        "\nEach has --help. Exit status: 125 for an option that is none, and if minidocker fails;\n"
        "1 for what cannot be done, as in Docker; 2 for a wrong line of the course or the machine."
    )
    return "\n".join(said)
