"""Elements of a page. Every text is escaped here, and nowhere else: names are an enemy's, too.

The page allows itself nothing but its own style (Content-Security-Policy): a text that came through
after all would run no script and fetch no picture.
"""

from __future__ import annotations

import html

from minidocker.course import outcomes as o


class Markup(str):
    """A text that is HTML already, made by `tag` alone."""

    __slots__ = ()


def text(said: object) -> Markup:
    """Return a text as HTML: escaped, and inert, so that no direction mark turns a line round."""
    return said if isinstance(said, Markup) else Markup(html.escape(o.inert(str(said)), quote=True))


def tag(name: str, /, *inside: object, **attributes: object) -> Markup:
    """Return an element; `class_` is class, and aria_label aria-label; None is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items() if value is not None
    )  # fmt: skip
    if name in ("meta", "hr", "br", "col"):
        return Markup(f"<{name}{said}>")
    return Markup(f"<{name}{said}>{''.join(map(text, inside))}</{name}>")


def join(parts: list[Markup]) -> Markup:
    """Return elements one after the other."""
    return Markup("\n".join(parts))


def bar(part: float, label: str) -> Markup:
    """Return a bar that is so full, from 0 to 1; the label says it in words."""
    full = tag("span", class_="full", style=f"width:{max(0.0, min(1.0, part)) * 100:.1f}%")
    return tag("span", full, class_="bar", role="img", aria_label=label)


def page(title: str, *body: object, style: str = "") -> str:
    """Return a whole page; `style` is what it has beside the pages' own."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'; form-action 'none'"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(STYLE + style)),
    )  # fmt: skip
    whole = tag("html", head, tag("body", tag("main", *body)), lang="en")
    return f"<!doctype html>\n{whole}\n"


STYLE = """
:root { --paper: #ffffff; --ink: #1b1f24; --dim: #57606a; --line: #d0d7de; --soft: #f3f5f7;
  --pass: #116329; --fail: #a40e26; --wait: #7d4e00; --link: #0550ae; --full: #3b6ea8; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161c; --ink: #e6edf3; --dim: #9da7b3;
  --line: #3a434e; --soft: #1c222a; --pass: #6fdd8b; --fail: #ff9492; --wait: #f0b72f;
  --link: #79b8ff; --full: #6ca4e0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; border-bottom: 1px solid var(--line);
  padding-bottom: .2rem; }
p, ul { margin: .4rem 0; } a { color: var(--link); }
.dim, small { color: var(--dim); } .pass { color: var(--pass); } .fail { color: var(--fail); }
.wait { color: var(--wait); } .sum { font-size: 1.25rem; }
.next { border-left: .3rem solid var(--full); background: var(--soft); padding: .6rem .8rem; }
ul.checks { list-style: none; padding: 0; }
ul.checks > li { padding: .35rem 0; border-top: 1px solid var(--line); }
.state { display: inline-block; min-width: 8.5rem; font-weight: 600; }
pre, code { font: .875rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { background: var(--soft); padding: .6rem .8rem; margin: .4rem 0; white-space: pre-wrap;
  overflow-wrap: anywhere; border-radius: .3rem; }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid var(--link); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); padding-bottom: .3rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: break-word; }
th { font-weight: 600; }
.rows { content-visibility: auto; contain-intrinsic-size: auto 210rem; }
.rows table { table-layout: fixed; }
td.n, th.n { text-align: right; white-space: nowrap; } .rows td.n { white-space: normal; }
td.name { overflow-wrap: anywhere; min-width: 9rem; }
.bar { display: inline-block; width: 9rem; max-width: 100%; height: .8rem; background: var(--soft);
  border: 1px solid var(--line); vertical-align: middle; }
.full { display: block; height: 100%; background: var(--full); }
@media print { :root { --paper: #fff; --ink: #000; --dim: #333; --line: #999; --soft: #fff;
  --pass: #000; --fail: #000; --wait: #000; --link: #000; --full: #555; }
  main { max-width: none; padding: 0; } h2, li, tr { break-inside: avoid; }
  h2 { break-after: avoid; } .rows { content-visibility: visible; }
  .full { print-color-adjust: exact; } }
"""
