"""Options of Docker's words that ours have not: each by its name, with the reason or what helps.

Those of `run` and `create` are in `plan/refused.py`, those of `build` in `build_options.py`.
"""

from __future__ import annotations

ONE = "an image here is for one machine"
EACH_TAG = "name each tag: a repository may have thousands"
TRUST = "no signature is looked at, but for pull --verify KEY"
NO_LINKS = "there are no links: containers of a network find each other by name"

# word → name of an option → why it is refused
WHY: dict[str, dict[str, str]] = {
    "exec": {"--privileged": "what enters a container has no more power than it"},
    "logs": {"--details": "nobody adds anything to a line here"},
    "pull": {"--all-tags": EACH_TAG, "-a": EACH_TAG, "--disable-content-trust": TRUST},
    "push": {
        "--all-tags": EACH_TAG, "-a": EACH_TAG, "--disable-content-trust": TRUST,
        "--platform": ONE,
    },
    "rm": {"--link": NO_LINKS, "-l": NO_LINKS},
    "save": {"--platform": ONE},
    "search": {"--filter": "minidocker search NAME | grep WORD", "-f": "--format writes less"},
    "start": {
        "--checkpoint": "no checkpoint is made here",
        "--checkpoint-dir": "no checkpoint is made here",
    },
}  # fmt: skip


def why(word: str, option: str) -> str:
    """Return why a word has not this option of Docker's; "" where Docker has it neither."""
    return WHY.get(word, {}).get(option, "")
