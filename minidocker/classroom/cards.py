"""Cards for assistants: what a message is about, and three questions about it; no answer."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """One kind of mistake; words: a pattern by which its messages are known."""

    about: str
    words: str
    questions: tuple[str, str, str]


# The first that fits is a message's card; the last fits all.
CARDS = (
    Card(
        "the file itself",
        r"not valid Python|is not defined|must be written in|cannot be judged|not started|"
        r"holds in the example|before any check begins",
        (
            "Which file does the message name, and is it the one that you saved?",
            "What does the line that it names say, read aloud?",
            "Which name does the check look for, letter by letter?",
        ),
    ),
    Card(
        "an order of steps",
        r"_ORDER|In this order",
        (
            "What must already be there when this step is done?",
            "Who or what takes effect only for those that are born later?",
            "Which step takes away what another one still needs?",
        ),
    ),
    Card(
        "in a network",
        r"eth0|bridge|cable|gateway|127\.0\.0\.1|lease|[Pp]ort |address|host's links|"
        r"rules of others",
        (
            "Draw the cable, its two ends and the bridge: which end is in which namespace?",
            "At which of these does the packet arrive last, and how can you see it there?",
            "Which table decides where it goes next: links, addresses, routes or rules?",
        ),
    ),
    Card(
        "in a layer's archive",
        r"layer tar|archive|\.wh\.|hard link|opaque mark|layer says|layer made anew|"
        r"the kernel showed it with|^The tree is not|layer on top|apply_layer|"
        r"upper (?:layer|directory)|merged tree|layer wins",
        (
            "List the archive, and the upper directory beside it: which line differs?",
            "What does the kernel show for that name: a file, a device, an attribute?",
            "In which order are the two read by whoever puts the tree together again?",
        ),
    ),
    Card(
        "it never comes back",
        r"loops|waits|was not done|busy|does not sleep|asks instead|still alive|"
        r"did not return|zombies|does not end|woke",
        (
            "What is the last line that was reached, and how do you know?",
            "Who would have to do something so that it goes on?",
            "What does a process get from the kernel when it asks and nothing is there yet?",
        ),
    ),
    Card(
        "who runs what",
        r"never call|caller's own process|returned in two|ended its process|not a child|"
        r"number 1|first there|was there first|process 1|first child|other process|"
        r"another process|calls? itself|made \{count\}|did not become",
        (
            "Draw the processes as boxes: who has forked whom?",
            "In which box is this line executed?",
            "What does fork give back in each of the two boxes?",
        ),
    ),
    Card(
        "seen outside, too",
        r"everybody|outside|of the host|the host|caller itself|climbed|old root|"
        r"stayed where|travel|peer group|beside|of others|not published|too\.|other clocks|"
        r"must only|other .*kept|nobody asked|only the",
        (
            "Whose view was to change, and who else has the same view?",
            "At which moment does this process stop sharing it?",
            "How can you look at it from a second terminal while it runs?",
        ),
    ),
    Card(
        "the kernel said no",
        r"refused|refuses|does not mount|was refused|fails",
        (
            "Which call was it, and what is the name of its error?",
            "What does its man page say under ERRORS for that name?",
            "What did the line before it leave behind?",
        ),
    ),
    Card(
        "an answer about others",
        r"does not agree|wrong verdict|wrong result|wrong reason|wrong process|must raise|"
        r"does not tell|not see|returned|wrong exit|gives a wrong|wrong numbers|wrong order|"
        r"not found|right numbers",
        (
            "For which input is it wrong, and what would you say by hand?",
            "Where does the kernel say it: which file, which field of it?",
            "What does your code do when there is none, or two of them?",
        ),
    ),
    Card(
        "rights, masks and filters",
        r"capabilit|setuid|filter|umask|permissions|ordinary user|masked|mask_paths|"
        r"inheritable|call by|refuse each|[Ss]omebody can|can still write|still gives",
        (
            "Who is the process at this moment: which ids, which capabilities?",
            "What would be the first call that must not work any more?",
            "From which moment on does the rule hold, and who was there before it?",
        ),
    ),
    Card(
        "in the wrong place",
        r"namespace|cgroup|root director|root mount|not the directory|new root|wrong ids|"
        r"tree at the target|name[s]? that set",
        (
            "In which namespace, cgroup or root is the process, and where do you read that?",
            "In which one was it when the line before was done?",
            "Does this call move the caller, or only who is born afterwards?",
        ),
    ),
    Card(
        "in what travels",
        r"blob|digest|signed|secret|a server|verify|choose does|platform|the token",
        (
            "Who has sent these bytes, and what do you know of them before you have read them all?",
            "With what do you compare, and where does that come from?",
            "Which name, address or file is used next, and who could have chosen it?",
        ),
    ),
    Card(
        "a process that somebody keeps",
        r"status_of|its grace|was never asked|supervise|the log|than PID 1|PID 1 is|exec_in",
        (
            "Which process do you mean, and how would you notice that its number has a new owner?",
            "What has been written down about it, and what does the kernel say of it now?",
            "What may happen between the two lines where you look and where you act?",
        ),
    ),
    Card(
        "in a bundle, or between create and start",
        r"bundle|configuration|[Vv]olume|limit of memory|CREATE_ORDER|create r|create did|walls|"
        r"start did|start hid|start refused|state does|at the pipe|the pipe\b|begun|has started it",
        (
            "Which line of config.json says that, and what would the kernel do without the line?",
            "Who waits for whom at this moment, and what wakes it?",
            "What does the other program believe from here on, and is it true already?",
        ),
    ),
    Card(
        "something is missing, or left over",
        r".",
        (
            "What did you ask for, word by word, and what is there now?",
            "Which command shows it from outside?",
            "Who should have made it, and who should have taken it away?",
        ),
    ),
)


def card(message: str) -> Card:
    """Return the card of a message."""
    return next(one for one in CARDS if re.search(one.words, message))
