"""What the figures have to be, and whether they are.

All of it is pure. `results` calls `judge` whenever it keeps something.
"""

from collections.abc import Callable, ItemsView, Mapping

from .figures import BUNDLE, OURS, STOCK, WHOLE, Part, Verdict, written

# A row of a part, by the part's name and by what was measured.
Place = tuple[str, str]


class Values:
    """The measured values by part, what and who."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.values = {
            (name, row["what"], row["who"]): row["value"] for name, part in parts.items() for row in part["rows"]
        }

    def get(self, place: Place, who: str = OURS) -> float:
        """Raises KeyError where that was not measured."""
        return self.values[(*place, who)]

    def points(self, kind: str) -> ItemsView[str, dict[str, float]]:
        """(point, figures by who) of each point of the throughput, of one kind of figure."""
        found: dict[str, dict[str, float]] = {}
        for (part, what, who), value in self.values.items():
            if part == "throughput" and what.endswith(f": {kind}"):
                found.setdefault(what.rpartition(": ")[0], {})[who] = value
        return found.items()


# What was measured, in words, and whether the target is reached. Raises KeyError if it was not measured.
Judge = Callable[[Values], tuple[str, bool]]


def at_most(limit: float, unit: str, *places: Place) -> Judge:
    """The sum of these rows of ours is at most this."""

    def judge(values: Values) -> tuple[str, bool]:
        value = sum(values.get(place) for place in places)
        return written(value, unit), value <= limit

    return judge


def ratio(limit: float, place: Place, who: str) -> Judge:
    """Ours is at most so many times theirs."""

    def judge(values: Values) -> tuple[str, bool]:
        ours, theirs = values.get(place), values.get(place, who)
        return f"{ours / theirs:.2f} ×", ours <= limit * theirs

    return judge


def ratios(values: Values, kind: str, who: str) -> list[tuple[float, str]]:
    """How many times theirs ours is, at each point of the throughput."""
    found = [(of[OURS] / of[who] if of[who] else float("inf"), point) for point, of in values.points(kind)]
    if not found:
        raise KeyError(kind)
    return found


def never_less(least: float, kind: str, who: str) -> Judge:
    """At every point ours is at least so many times theirs."""

    def judge(values: Values) -> tuple[str, bool]:
        worst, point = min(ratios(values, kind, who))
        return f"{worst:.2f} × with {point}, elsewhere more", worst >= least

    return judge


def never_more(most: float, kind: str, who: str) -> Judge:
    """At every point ours is at most so many times theirs."""

    def judge(values: Values) -> tuple[str, bool]:
        worst, point = max(ratios(values, kind, who))
        return f"{worst:.2f} × with {point}, elsewhere less", worst <= most

    return judge


def journal_costs_nothing(values: Values) -> tuple[str, bool]:
    """Our supervisor has no part in what a service writes into the journal."""
    milliseconds = values.get(("logs", "CPU of supervisor and logger"), "ai-gateway, journal") * 1e3
    return written(milliseconds, "ms"), milliseconds <= 10


def stack(what: str) -> Place:
    return "stack", f"idle after a chat: {what}"


READY = ("start", "start → all four are ready, median")


TARGETS: list[tuple[str, Judge]] = [
    ("the stack, idle after a chat, takes at most 0.5 × stock's memory", ratio(0.5, stack("PSS in all"), STOCK)),
    ("... and of stock's with all of Open WebUI", ratio(0.5, stack("PSS in all"), WHOLE)),
    ("the stack takes less than 800 MB", at_most(800, "MB", stack("PSS in all"))),
    ("LiteLLM and its engine take at most 380 MB", at_most(380, "MB", stack("litellm"), stack("engine"))),
    ("Open WebUI takes at most 320 MB", at_most(320, "MB", stack("open-webui"))),
    (
        "PostgreSQL, nginx and the daemon take at most 70 MB",
        at_most(70, "MB", stack("postgres"), stack("nginx"), stack("supervisor")),
    ),
    ("all four are ready after at most 0.55 × stock's time", ratio(0.55, READY, STOCK)),
    ("... and of stock's with all of Open WebUI", ratio(0.55, READY, WHOLE)),
    ("all four are ready after 15 s", at_most(15, "s", READY)),
    ("at every point at least as many requests a second as stock", never_less(1, "requests/s", STOCK)),
    ("at every point a p99 no longer than stock's", never_more(1, "p99", STOCK)),
    ("at every point at least 3 × the requests of the bundle's settings", never_less(3, "requests/s", BUNDLE)),
    (
        "crash → running at the median at most a third of runit's",
        ratio(1 / 3, ("restart", "SIGKILL → successor runs, median"), "runit"),
    ),
    ("1,000 services in less than 12 MB", at_most(12, "MB", ("idle", "1,000 services: PSS"))),
    ("1,000 services started within 1.5 s", at_most(1.5, "s", ("idle", "1,000 services: start → the last one runs"))),
    ("no CPU for a log line that goes to the journal, of 1,000,000 lines at most 10 ms", journal_costs_nothing),
]


def judge(parts: Mapping[str, Part]) -> list[Verdict]:
    """Each target with what was measured for it, as far as it was."""
    values = Values(parts)
    lines: list[Verdict] = []
    for target, of in TARGETS:
        try:
            measured, reached = of(values)
            verdict = "reached" if reached else "not reached"
        except KeyError:
            measured, verdict = "–", "not measured"
        lines.append({"target": target, "measured": measured, "verdict": verdict})
    return lines
