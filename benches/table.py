"""Results as tables for people."""

OURS = "ai-gateway"
STOCK = "stock"
WHOLE = "stock, all of Open WebUI"
BUNDLE = "the bundle's settings"


def figure(value, unit):
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def compare(rows):
    """Adds to each peer's figure how many times ours it is."""
    ours = {row["what"]: row["value"] for row in rows if row["who"] == OURS}
    for row in rows:
        if row["who"] != OURS and ours.get(row["what"]):
            row["ratio"] = row["value"] / ours[row["what"]]
    return rows


def cell(row):
    text = figure(row["value"], row["unit"])
    return f"{text} ({figure(row['ratio'], '×')})" if "ratio" in row else text


def render(title, rows):
    """One line for each thing that was measured, one column for each who was."""
    who = list(dict.fromkeys(row["who"] for row in rows))
    title, _, note = title.strip().partition("\n")
    lines = [title.rstrip("."), *([note.strip()] if note else []), "", f"| | {' | '.join(who)} |", "|---" * (len(who) + 1) + "|"]
    for what in dict.fromkeys(row["what"] for row in rows):
        of = {row["who"]: row for row in rows if row["what"] == what}
        cells = [cell(of[name]) if name in of else "–" for name in who]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


INTRODUCTION = """# Benchmarks
`benches/run --write` writes this page, and `docs/benchmarks.json` for machines; with names, the
tables of those and nothing else. Each figure stands beside its peers' from the same run; in brackets,
how many times ours a peer's is. All supervisors run the same small service, runit and s6 without
even a shell before it.

"""


def page(results):
    """The whole page, from everything that was measured so far."""
    lines = ["## Targets", "", "| target | measured | |", "|---|---|---|"]
    for target in results["targets"]:
        lines.append(f"| {target['target']} | {target['measured']} | {target['verdict']} |")
    tables = ["\n".join(lines) + "\n"]
    for part in results["parts"].values():
        text = render(part["about"], part["rows"])
        head, _, rest = text.partition("\n")
        tables.append(f"## {head}\n{facts(part['machine'])}\n\n{rest}")
    return INTRODUCTION + "\n".join(tables)


def facts(machine):
    return (f"*{machine['date']}, {machine['processors']}, {machine['memory']}, "
            f"Linux {machine['kernel']}; load before: {machine['load_before']:.1f}*")
