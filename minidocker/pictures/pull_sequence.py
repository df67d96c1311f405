"""pull_sequence: who asks whom during a pull or a push, in order, with which secret."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

WIDTH, ROW, TOP = 800.0, 34.0, 84.0
CLIENT = 70.0
REGISTRY, REALM, ELSEWHERE = "registry", "realm", "elsewhere"
PLACES = {REGISTRY: 400.0, REALM: 560.0, ELSEWHERE: 720.0}
NAMES = {ELSEWHERE: "other host"}
# secret: (sign, accent, word)
SECRETS = {
    "": ("ring", "grey", "nothing"),
    "Basic": ("triangle", "orange", "the password"),
    "Bearer": ("diamond", "blue", "the token"),
}
LINE = re.compile(r"(?:(elsewhere) )?([A-Z]+) (\S+)(?: (\d{3}))?(.*)")
MOST = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One request: to whom, what is asked for in words, the answer's status, which secret."""

    place: str
    what: str
    status: str
    secret: str


def steps(log: Sequence[str]) -> list[Step]:
    """Read the lines of our registry's log; other lines are passed over."""
    found = []
    for line in log:
        if match := LINE.fullmatch(line.strip()):
            away, method, path, status, rest = match.groups()
            place = ELSEWHERE if away else REALM if path.startswith("/token") else REGISTRY
            secret = "Bearer" if "Authorization" in rest else rest.strip()
            kind = secret if secret in SECRETS else ""
            found.append(Step(place, words(method, path), status or "", kind))
    return found


def words(method: str, path: str) -> str:
    """Say in words what a request asks for."""
    parts = urlsplit(path)
    last = parts.path.rpartition("/")[2]
    short = last[:17] + "…" if last.startswith("sha256:") else last
    if parts.path.startswith("/token"):
        return "a token for " + (parse_qs(parts.query).get("scope") or ["nothing"])[0]
    if parts.path in ("/v2", "/v2/"):
        return "do you speak version 2?"
    if "/blobs/uploads/" in parts.path:
        return {"POST": "may I send a blob?", "PUT": "here is the blob"}.get(method, "more bytes")
    if "/manifests/" in parts.path:
        if last.startswith("sha256-") and last.endswith(".sig"):
            return "the signatures of sha256:" + last[7:17] + "…"
        if method == "PUT":
            return f"let {short} stand for this manifest"
        return f"the manifest {short}" if ":" in last else f"what does {short} stand for?"
    if method == "HEAD":
        return f"is {short} there?"
    return f"the blob {short}" if last.startswith("sha256:") else f"{method} {parts.path}"


def pull_sequence(log: Sequence[str], title: str = "") -> Picture:
    """Draw the requests of a log of `minidocker registry serve`, top down, one row each.

    A lane for whoever asks, one for the registry, for the realm that gives tokens, and for another
    host, where blobs may be. Sign and word say which secret went along.
    """
    asked = steps(log)
    shown, more = asked[:MOST], len(asked[MOST:])
    lanes = [place for place in PLACES if place == REGISTRY or any(s.place == place for s in asked)]
    canvas, head = Canvas(), title or "Who was asked, and with which secret"
    canvas.fitted(20, 30, head, WIDTH - 40, "bold", 15)
    bottom = TOP + ROW * max(1, len(shown))
    for x, name in ((CLIENT, "you"), *((PLACES[lane], NAMES.get(lane, lane)) for lane in lanes)):
        canvas.text(x, 62, name, "bold", 13, text_anchor="middle")
        canvas.line([(x, 70), (x, bottom)], "", "3 4")
    for number, step in enumerate(shown):
        _draw(canvas, TOP + ROW * number, number + 1, step)
    if more:
        canvas.text(CLIENT, bottom + 16, f"and {more} more", "soft", 12)
    rows = [(str(number), NAMES.get(step.place, step.place), step.what, step.status or "-",
             SECRETS[step.secret][2]) for number, step in enumerate(asked, 1)]  # fmt: skip
    columns = ("", "who was asked", "for what", "answer", "secret that went along")
    return Picture(head, sentence(asked), columns, rows, canvas, (WIDTH, bottom + 26))


def _draw(canvas: Canvas, y: float, number: int, step: Step) -> None:
    sign, accent, _ = SECRETS[step.secret]
    end = PLACES[step.place]
    canvas.text(30, y + 17, str(number), "soft", 11.5)
    canvas.fitted(CLIENT + 12, y + 11, step.what, PLACES[REGISTRY] - CLIENT - 24, "", 12.5)
    canvas.line([(CLIENT, y + 18), (end - 12, y + 18)], accent if step.secret else "")
    canvas.shape("arrow", end - 8, y + 18, accent, 5)
    canvas.shape(sign, CLIENT, y + 18, accent, 5)
    heard = {"Basic": "password→", "Bearer": "token→"}.get(step.secret, "")
    canvas.text(end + 8, y + 22, f"{heard}{step.status}", "mono", 11.5)


def sentence(asked: Sequence[Step]) -> str:
    """Say in words who was asked how often, and who heard a secret."""
    if not asked:
        return "Nobody was asked for anything."
    told = []
    for place in PLACES:
        mine = [step for step in asked if step.place == place]
        heard = sorted({SECRETS[step.secret][2] for step in mine if step.secret})
        if mine:
            count = f"{len(mine)} request{'s' * (len(mine) != 1)}"
            name = NAMES.get(place, place)
            told.append(f"the {name} got {count}, and heard {' and '.join(heard) or 'no secret'}")
    return "; ".join(told).capitalize() + "."
