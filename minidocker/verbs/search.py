"""`minidocker search`: what a registry has."""

from __future__ import annotations

import json
from urllib.parse import quote

from minidocker.errors import NotFound
from minidocker.images.registry import credentials
from minidocker.images.registry.client import Client
from minidocker.images.registry.headers import next_page
from minidocker.images.registry.transport import Transport
from minidocker.images.store import documents, files, names
from minidocker.verbs.parser import make
from minidocker.verbs.pull import add_tls, insecure, say
from minidocker.verbs.table import table

HUB = "https://index.docker.io/v1/search?q={}&n={}"
PAGE, MOST_PAGES = 100, 1000  # names at once, and how often we ask
AFTER = """\
examples:
  minidocker search nginx                      at Docker Hub
  minidocker search localhost:5000/lab         at a registry that tells what it has
"""


def main(argv: list[str]) -> int:
    """Print what fits; return the exit status."""
    parser = make("search", "Look for images at a registry.", AFTER)
    parser.add_argument("word", metavar="[HOST/]WORD")
    parser.add_argument("--limit", type=int, default=25, help="rows at most; default: 25")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    add_tls(parser)
    args = parser.parse_args(argv)
    host, slash, word = args.word.partition("/")
    there = slash and (set(host) & set(".:") or host == "localhost") and host not in names.HUB
    if there:
        found = of_registry(host, word, insecure(args))
    else:
        found = of_hub(args.word.rpartition("docker.io/")[2], args.limit)
    found = found[: args.limit]
    if args.json:
        print(json.dumps(found, indent=1))
        return 0
    if not found:
        raise NotFound(f"nothing there has {args.word} in its name", "another word")
    rows = [("NAME", "DESCRIPTION", "STARS")]
    table(rows + [(row["name"], row["description"][:60], str(row["stars"])) for row in found])
    return 0


def of_hub(word: str, limit: int) -> list[dict[str, str]]:
    """Ask Docker Hub, whose search is its own."""
    transport = Transport()
    answer = transport.send("GET", HUB.format(quote(word, safe=""), limit), {})
    with Client(names.HUB[0], "") as client:
        data = client.expect(answer, 200).read(documents.LARGEST)
    transport.close()
    rows = documents.parse(data, "Docker Hub").get("results")
    return [
        {"name": _line(row.get("name")), "description": _line(row.get("description")),
         "stars": _line(row.get("star_count", ""))}
        for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict)
    ]  # fmt: skip


def of_registry(host: str, word: str, insecure: bool) -> list[dict[str, str]]:
    """Ask a registry for its catalogue, page by page; many have none to tell."""
    known: list[str] = []
    place = f"_catalog?n={PAGE}"
    with Client(host, "", credentials.find(host), insecure=insecure, say=say) as client:
        for _ in range(MOST_PAGES):
            answer = client.expect(client.ask("GET", place), 200)
            page = documents.parse(answer.read(documents.LARGEST), host).get("repositories")
            known += [_line(name) for name in page] if isinstance(page, list) else []
            place = next_page(answer.headers.get("Link", ""))
            if not page or not place:
                break
    fitting = [f"{host}/{name}" for name in dict.fromkeys(known) if word in name]
    return [{"name": name, "description": "", "stars": ""} for name in fitting]


def _line(value: object) -> str:
    """Return a stranger's text as one printable line."""
    return files.printable(str(value or "")[:200])
