"""Results as tables for people."""

OURS = "ai-gateway"


def figure(value, unit):
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def cell(row, ours):
    """A figure, and for a peer how many times ours it is."""
    text = figure(row["value"], row["unit"])
    if ours and row is not ours and ours["value"] > 0:
        text += f" ({row['value'] / ours['value']:.2g} ×)"
    return text


def render(title, rows):
    """One line for each thing that was measured, one column for each who was."""
    who = list(dict.fromkeys(row["who"] for row in rows))
    lines = [title.strip().rstrip("."), "", f"| | {' | '.join(who)} |", "|---" * (len(who) + 1) + "|"]
    for what in dict.fromkeys(row["what"] for row in rows):
        of = {row["who"]: row for row in rows if row["what"] == what}
        cells = [cell(of[name], of.get(OURS)) if name in of else "–" for name in who]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


INTRODUCTION = """# Benchmarks
`benches/run --write` writes this page. Each figure stands beside its peers' from the same run; in
brackets, how many times ours a peer's is. All supervisors run the same small service, runit and s6
without even a shell before it. For s6 and supervisord the wait of a second before a restart is by
design.
"""


def write(path, found, parts):
    machine = found["machine"]
    facts = (f"{machine['date']}, {machine['processors']}, {machine['memory']}, "
             f"Linux {machine['kernel']}; load before the run: {machine['load_before']:.1f}\n")
    tables = ["## " + render(parts[name].__doc__, rows) for name, rows in found["benchmarks"].items()]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([INTRODUCTION + facts, *tables]))
