"""Completion in the languages of three shells, from one list of words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

# How a shell asks for names while somebody types: quietly, and nothing where there is no store.
ASK = {
    "containers": "ps -a --format '{{.Names}}'",
    "images": "images --format '{{.Repository}}:{{.Tag}}'",
    "volumes": "volume ls -q",
    "networks": "network ls -q",
}
FIRST = "# made by: minidocker completion"


class Option(NamedTuple):
    """An option: its names, "" or what its value is called, and its help."""

    names: list[str]
    value: str
    help: str


class Word(NamedTuple):
    """A word of the command line: its options, the words below it, and whose names follow it."""

    name: str
    help: str
    options: list[Option]
    below: list[Word]
    names: list[str]


def every(words: Sequence[Word], above: str = "") -> Iterator[tuple[str, Word]]:
    """Yield ("volume rm", its Word) for each word and each below it."""
    for word in words:
        path = f"{above} {word.name}".strip()
        yield path, word
        yield from every(word.below, path)


def quoted(text: str) -> str:
    """Put a text into single quotes, as every shell here reads them."""
    return "'" + " ".join(text.split()).replace("'", "'\\''") + "'"


def bash(words: Sequence[Word]) -> str:
    """Write a function for bash."""
    cases, lists = [], []
    for path, word in every(words):
        flags = " ".join(name for option in word.options for name in option.names)
        valued = "|".join(name for option in word.options if option.value for name in option.names)
        below = " ".join(each.name for each in word.below)
        asked = " ".join(word.names)
        lists.append(f"    {quoted(path)}) flags={quoted(flags)} below={quoted(below)} "
                     f"asked={quoted(asked)} ;;")  # fmt: skip
        if valued:
            cases.append(f"    {quoted(path)}) case $2 in {valued}) return 0 ;; esac ;;")
    first = " ".join(word.name for word in words)
    ask = "\n".join(f"    {kind}) minidocker {how} 2>/dev/null ;;" for kind, how in ASK.items())
    return f"""{FIRST} bash
_minidocker_names() {{  # compgen would expand what a name holds: none but plain ones
  case $1 in
{ask}
  esac | grep -x '[A-Za-z0-9][A-Za-z0-9_./:@-]*'
}}
_minidocker_takes_a_value() {{  # the words so far, an option
  case $1 in
{chr(10).join(cases)}
  esac
  return 1
}}
_minidocker_known() {{  # the words so far: sets flags, below, asked
  flags= below= asked=
  case $1 in
    '') below={quoted(first)} ;;
{chr(10).join(lists)}
    *) return 1 ;;
  esac
}}
_minidocker() {{
  local here=${{COMP_WORDS[COMP_CWORD]}} path= flags below asked word i kind
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    if [[ $word == -* ]]; then
      _minidocker_takes_a_value "$path" "$word" && ((i++))
    elif _minidocker_known "${{path:+$path }}$word"; then
      path=${{path:+$path }}$word
    else
      break
    fi
  done
  _minidocker_known "$path"
  COMPREPLY=()
  if ((i > COMP_CWORD)); then
    compopt -o default 2>/dev/null
  elif [[ $here == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$here"))
  else
    for kind in $asked; do
      below+=" $(_minidocker_names "$kind")"
    done
    COMPREPLY=($(compgen -W "$below" -- "$here"))
    [[ $path && -z ${{COMPREPLY[*]}} ]] && compopt -o default 2>/dev/null
  fi
  return 0
}}
complete -F _minidocker minidocker
"""


def zsh(words: Sequence[Word]) -> str:
    """Write a function for zsh's _arguments."""
    functions = []
    for path, word in every(words):
        lines = [f"    {_zsh_option(option)} \\" for option in word.options]
        if word.below:
            lines.append(f"    '1:word:({' '.join(each.name for each in word.below)})' \\")
        lines += [f"    '*:{kind}: _minidocker_names {kind}' \\" for kind in word.names[:1]]
        lines.append("    '*:file:_files'" if not word.names else "    ;")
        if lines[-1].strip() == ";":
            lines[-2:] = [lines[-2].removesuffix(" \\")] if len(lines) > 1 else []
        body = "\n".join(["  _arguments -s \\", *lines])
        inner = "".join(
            f"    {each.name}) shift words; ((CURRENT--)); "
            f"{_zsh_name(f'{path} {each.name}')}; return ;;\n"
            for each in word.below
        )
        if inner:
            body = f"  if ((CURRENT > 2)); then case $words[2] in\n{inner}  esac; fi\n{body}"
        functions.append(f"{_zsh_name(path)}() {{\n{body}\n}}")
    told = "\n".join(f"    {quoted(_zsh_plain(word.name) + ':' + word.help)}" for word in words)
    calls = "\n".join(f"    {word.name}) {_zsh_name(word.name)} ;;" for word in words)
    ask = "\n".join(f"    {kind}) found=(${{(f)\"$(minidocker {how} 2>/dev/null)\"}}) ;;"
                    for kind, how in ASK.items())  # fmt: skip
    return f"""#compdef minidocker
{FIRST} zsh
_minidocker_names() {{
  local -a found
  case $1 in
{ask}
  esac
  compadd -a found
}}
{chr(10).join(functions)}
_minidocker() {{
  local -a told
  told=(
{told}
  )
  if ((CURRENT == 2)); then
    _describe word told
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
{calls}
  esac
}}
if [[ $funcstack[1] == _minidocker ]]; then
  _minidocker "$@"
else
  compdef _minidocker minidocker
fi
"""


def _zsh_name(path: str) -> str:
    return "_minidocker_" + path.replace(" ", "_").replace("-", "_")


def _zsh_plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:").replace("[", "\\[").replace("]", "\\]")


def _zsh_option(option: Option) -> str:
    value = f":{_zsh_plain(option.value)}:_files" if option.value else ""
    told = f"[{_zsh_plain(option.help)}]{value}"
    if len(option.names) == 1:
        return quoted(f"{option.names[0]}{told}")
    return f"{{{','.join(option.names)}}}{quoted(told)}"


def fish(words: Sequence[Word]) -> str:
    """Write lines for fish's complete."""
    lines = [f"{FIRST} fish", "complete -c minidocker -f"]
    for word in words:
        lines.append(f"complete -c minidocker -n __fish_use_subcommand -a {word.name} "
                     f"-d {_fish(word.help)}")  # fmt: skip
    for path, word in every(words):
        here = " ".join(f"__fish_seen_subcommand_from {name};" for name in path.split())
        seen = here.replace("; __fish", "; and __fish").rstrip(";")
        for option in word.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                             for name in option.names)  # fmt: skip
            value = " -r" if option.value else ""
            lines.append(f"complete -c minidocker -n {_fish(seen)} {names}{value} "
                         f"-d {_fish(option.help)}")  # fmt: skip
        others = " ".join(each.name for each in word.below)
        none_yet = f"{seen}; and not __fish_seen_subcommand_from {others}"
        for each in word.below if " " not in path else ():
            lines.append(f"complete -c minidocker -n {_fish(none_yet)} -a {each.name} "
                         f"-d {_fish(each.help)}")  # fmt: skip
        for kind in word.names:
            asked = f"(minidocker {ASK[kind]} 2>/dev/null)"
            lines.append(f"complete -c minidocker -n {_fish(seen)} -a {_fish(asked)}")
        if not word.names and not word.below:
            lines.append(f"complete -c minidocker -n {_fish(seen)} -F")
    return "\n".join(lines) + "\n"


def _fish(text: str) -> str:
    """Put a text into fish's single quotes, in which a backslash and a quote are marked."""
    return "'" + " ".join(text.split()).replace("\\", "\\\\").replace("'", "\\'") + "'"


WRITERS: dict[str, Callable[[Sequence[Word]], str]] = {"bash": bash, "fish": fish, "zsh": zsh}
