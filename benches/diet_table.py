"""The table of docs/diet.md: what each measure of the diet saves, made from pairs of copies."""

import statistics

LITELLM, OPEN_WEBUI = "litellm", "open-webui"
# Which services a measure is for.
SERVICES = {
    "lazy_types": [LITELLM],
    "lazy_modules": [LITELLM, OPEN_WEBUI],
    "lazy_routes": [LITELLM, OPEN_WEBUI],
    "lazy_tokenizer": [LITELLM],
    "lazy_audio": [LITELLM],
    "lazy_guardrails": [LITELLM],
    "shared_lookups": [LITELLM],
    "small_stand_ins": [LITELLM],
    "late_gc": [LITELLM, OPEN_WEBUI],
    "short_changelog": [OPEN_WEBUI],
    "lazy_vectors": [OPEN_WEBUI],
    "few_indexes": [OPEN_WEBUI],
    "return_memory": [OPEN_WEBUI],
    "small_engine": [LITELLM],
    "static_files": [OPEN_WEBUI],
    "bytecode": [LITELLM],
    # Two copies with the same measures: what a difference has to exceed.
    "noise": [LITELLM, OPEN_WEBUI],
}
MEASURES = [name for name in SERVICES if name != "noise"]
# Those of nginx and of set-up, which have nothing to do with what a service does itself: it has them
# in all pairs but their own.
AROUND = ("static_files", "bytecode")
NAMES = {LITELLM: "LiteLLM", OPEN_WEBUI: "Open WebUI"}
KINDS = {"last": "last", "alone": "alone", "all": "–"}
# By column: how it is headed, and whether it is said as a share of what it would be without the measure.
COLUMNS = {
    "memory": ("MB", False),
    "engine": ("engine, MB", False),
    "start": ("processor time to ready", True),
    "ready": ("time to ready", True),
    "chat": ("processor time a chat", True),
    "piece": ("a piece", True),
    "page": ("ms of processor time a page", False),
    "documents": ("MB after 60 documents", False),
}
BEGIN, END = "<!-- benches/diet --write: begin -->\n", "<!-- benches/diet --write: end -->\n"


def services(measure):
    """Of one measure, or of several that are joined by `+` and measured together."""
    return list(dict.fromkeys(service for one in measure.split("+") for service in SERVICES[one]))


def pairs(measure, service):
    """Without and with a measure, of those of a service: as the last of all, and alone."""
    every = [name for name in MEASURES if service in SERVICES[name]]
    if measure == "noise":
        return {"all": (every, every)}
    these = [name for name in measure.split("+") if name in every]
    last = {"last": ([name for name in every if name not in these], every)}
    if measure in AROUND:
        return last
    around = [name for name in every if name in AROUND]
    return {**last, "alone": (around, around + these)}


def saved(row, column):
    without, with_it = row["without"][column], row["with"][column]
    return 100 * (without - with_it) / without if COLUMNS[column][1] else without - with_it


def summary(rows):
    """Of each measure, service and kind: the median, the least and the most that was saved, by column."""
    groups = {}
    for row in rows:
        groups.setdefault((row["measure"], row["service"], row["kind"]), []).append(row)
    found = []
    for (measure, service, kind), several in groups.items():
        columns = {}
        for column in COLUMNS:
            values = [saved(row, column) for row in several if column in row["with"]]
            if values:
                columns[column] = [round(of(values), 2) for of in (statistics.median, min, max)]
        found.append({"measure": measure, "service": service, "kind": kind, "pairs": len(several), **columns})
    return found


def cell(row, column):
    if column not in row:
        return ""
    share = COLUMNS[column][1]
    median, least, most = (f"{value:.0f}" if share else f"{value:.1f}" for value in row[column])
    text = f"{median} %" if share else median
    return text if least == most else f"{text} ({least} to {most})"


def table(found):
    """A line for each of them, and one for each measure that none of them is of."""
    lines = [
        f"| measure | service | as the | pairs | {' | '.join(name for name, _ in COLUMNS.values())} |",
        "|---" * (4 + len(COLUMNS)) + "|",
    ]
    measured = {row["measure"] for row in found}
    for row in sorted(found, key=lambda row: ["noise", *MEASURES, row["measure"]].index(row["measure"])):
        cells = " | ".join(cell(row, column) for column in COLUMNS)
        lines.append(f"| `{row['measure']}` | {NAMES[row['service']]} | {KINDS[row['kind']]} | {row['pairs']} | {cells} |")
    for measure in MEASURES:
        if measure not in measured:
            lines.append(f"| `{measure}` | not measured yet | | | {' | ' * (len(COLUMNS) - 1)} |")
    return "\n".join(lines) + "\n"


def merged(before, found):
    """What was found in the place of what was found before of the same."""
    def of(row):
        return row["measure"], row["service"], row["kind"]
    anew = {of(row) for row in found}
    # What is no measure any more goes.
    known = [row for row in before if of(row) not in anew and set(row["measure"].split("+")) <= SERVICES.keys()]
    return known + found


def where(results):
    """A line for each run that the rows come from: the day, the machine, and what was measured there."""
    lines = []
    for index, run in reversed(list(enumerate(results["runs"]))):
        here = dict.fromkeys(row["measure"] for row in results["rows"] if row["run"] == index)
        rest = index == 0 and len(results["runs"]) > 1
        which = "all others" if rest else ", ".join(f"`{name}`" for name in here)
        what = f" ({which})" if len(results["runs"]) > 1 else ""
        lines.append(f"{run['date']}, {run['processors']}, Linux {run['kernel']}; load before {run['load_before']}{what}.\n")
    return "".join(lines)


def with_run(before, run, found):
    """The figures with those of one run more, each row with the run that it is of; a run that has no row left goes."""
    runs, rows = before.get("runs", []), before.get("rows", [])
    rows = merged(rows, [{**row, "run": len(runs)} for row in found])
    used = sorted({row["run"] for row in rows})
    return {
        "runs": [(*runs, run)[index] for index in used],
        "rows": [{**row, "run": used.index(row["run"])} for row in rows],
    }


def page(text, results):
    """docs/diet.md with its table made anew from what docs/diet.json has."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"error: docs/diet.md lacks the lines {BEGIN.strip()} and {END.strip()}, between which the table goes")
    return f"{head}{begin}{where(results)}\n{table(results['rows'])}{end}{tail}"
