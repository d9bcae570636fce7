"""The page that a report is: one file that asks nothing of the network. What comes from outside is escaped here."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from visrec.evaluation.intervals import Interval

__all__ = ["chart", "facts", "figure", "page", "paragraph", "preformatted", "table", "text"]

#: Nothing may be fetched, and nothing may run, whatever a catalogue's texts hold.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { --text: #1c2430; --muted: #5b6675; --line: #dfe4ea; --accent: #0b62b0; --head: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 20px; margin: 40px 0 6px; padding-top: 10px; border-top: 1px solid var(--line); }
h3 { font-size: 16px; margin: 22px 0 6px; }
p { margin: 6px 0; max-width: 80ch; overflow-wrap: anywhere; }
.lead { font-size: 17px; }
.muted { color: var(--muted); }
.warning { border-left: 4px solid #b35900; background: #fff4e5; padding: 8px 12px; }
nav { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 14px 0 0; }
a { color: var(--accent); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; margin: 8px 0; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: 12px 0 4px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { text-align: right; padding: 5px 11px; border-bottom: 1px solid var(--line); vertical-align: top;
  white-space: nowrap; }
thead th { background: var(--head); color: var(--muted); }
th:first-child, .text { text-align: left; }
td.text { white-space: normal; min-width: 16ch; overflow-wrap: anywhere; }
small { display: block; color: var(--muted); font-size: 12px; }
.best { color: var(--accent); font-weight: 700; }
.best small { font-weight: 400; }
img { max-width: 100%; height: auto; display: block; margin: 10px 0; }
pre { background: var(--head); border: 1px solid var(--line); padding: 10px 12px; white-space: pre-wrap;
  overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
@media print { nav { display: none; } .scroll { overflow: visible; } tr, img { break-inside: avoid; } }
"""


def page(title: str, lead: str, sections: Mapping[str, Sequence[str]]) -> str:
    """A page of titled sections, each of pieces made by the functions below; one without pieces is left out."""
    shown = {name: pieces for name, pieces in sections.items() if pieces}
    links = "".join(f'<a href="#s{number}">{escape(name)}</a>' for number, name in enumerate(shown))
    body = "\n".join(
        "\n".join([f'<section id="s{number}">\n<h2>{escape(name)}</h2>', *pieces, "</section>"])
        for number, (name, pieces) in enumerate(shown.items())
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{escape(title)}</h1>\n"
        f"{paragraph(lead, 'lead')}\n<nav>{links}</nav>\n</header>\n{body}\n</main>\n</body>\n</html>\n"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column names the rows.

    Args:
        head: names of the columns; one that begins with a blank holds texts, not figures.
        rows: the name of each row, and its other cells by `figure` or `text`.
    """
    names = "".join(
        f'<th scope="col"{" class=text" if name.startswith(" ") else ""}>{escape(name.strip())}</th>' for name in head
    )
    lines = [f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>' for name, *cells in rows]
    # Reachable with the keyboard, since it may scroll sideways.
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{names}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody></table></div>"
    )


def figure(interval: Interval, *, decimals: int = 3, best: bool = False) -> str:
    """A cell: a mean above its interval; "n/a" where there is none."""
    mean, limits = interval.texts(decimals)
    if not limits:
        return f"<td>{mean}</td>"
    mark = ' class="best"' if best else ""
    return f"<td{mark}>{mean}<small>{limits}</small></td>"


def text(value: str) -> str:
    """A cell of text."""
    return f'<td class="text">{escape(value)}</td>'


def facts(values: Mapping[str, str]) -> str:
    """Names and what they are."""
    pairs = [f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in values.items()]
    return f"<dl>{''.join(pairs)}</dl>"


def paragraph(value: str, kind: str = "muted") -> str:
    """A paragraph; `kind` is "lead", "muted" or "warning"."""
    return f'<p class="{kind}">{escape(value)}</p>'


def preformatted(value: str) -> str:
    """A command line or another text whose line breaks count."""
    return f"<pre>{escape(value)}</pre>"


def chart(svg: bytes, description: str) -> str:
    """An SVG picture within the page; `description` is for readers who do not see it."""
    data = base64.b64encode(svg).decode("ascii")
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(description, quote=True)}">'
