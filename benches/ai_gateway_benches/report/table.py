"""This shows the figures of one part as a table for people, in Markdown.

It is pure. `benches/run` prints such a table, and the page has one for each part.
"""

from collections.abc import Sequence

from .figures import Row, written


def cell(row: Row) -> str:
    text = written(row["value"], row["unit"])
    return f"{text} ({written(row['ratio'], '×')})" if "ratio" in row else text


def render(about: str, rows: Sequence[Row]) -> str:
    """What the part is about, then one line for each thing that was measured and one column for each who was."""
    who = list(dict.fromkeys(row["who"] for row in rows))
    title, _, note = about.strip().partition("\n")
    lines = [title.rstrip("."), *([note.strip()] if note else []), ""]
    lines += [f"| | {' | '.join(who)} |", "|---" * (len(who) + 1) + "|"]
    for what in dict.fromkeys(row["what"] for row in rows):
        of = {row["who"]: row for row in rows if row["what"] == what}
        cells = [cell(of[name]) if name in of else "–" for name in who]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
