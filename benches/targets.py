"""What the figures have to be, and whether they are: a pure function of the results."""

from table import BUNDLE, OURS, STOCK, WHOLE, figure


class Results:
    """Values by part, what and who."""

    def __init__(self, parts):
        self.values = {(name, row["what"], row["who"]): row["value"]
                       for name, part in parts.items() for row in part["rows"]}

    def get(self, part, what, who=OURS):
        return self.values[part, what, who]

    def points(self, kind):
        """(point, figures by who) of each point of the throughput, of one kind of figure."""
        found = {}
        for (part, what, who), value in self.values.items():
            if part == "throughput" and what.endswith(f": {kind}"):
                found.setdefault(what.rpartition(": ")[0], {})[who] = value
        return found.items()


IDLE = "idle after a chat"


def at_most(limit, unit, *of):
    """The sum of rows of ours is at most this."""
    def judge(results):
        value = sum(results.get(part, what) for part, what in of)
        return figure(value, unit), value <= limit
    return judge


def times(limit, part, what, who):
    """Ours is at most so many times theirs."""
    def judge(results):
        ours, theirs = results.get(part, what), results.get(part, what, who)
        return f"{ours / theirs:.2f} ×", ours <= limit * theirs
    return judge


def worst(kind, who, least=None, most=None):
    """At every point ours is at least, or at most, so many times theirs."""
    def judge(results):
        ratios = [(of[OURS] / of[who] if of[who] else float("inf"), point)
                  for point, of in results.points(kind)]
        if not ratios:
            raise KeyError(kind)
        ratio, point = min(ratios) if least else max(ratios)
        reached = ratio >= least if least else ratio <= most
        return f"{ratio:.2f} × with {point}, elsewhere {'more' if least else 'less'}", reached
    return judge


def stack(what):
    return "stack", f"{IDLE}: {what}"


READY = ("start", "start → all four are ready, median")


TARGETS = [
    ("the stack, idle after a chat, takes at most 0.5 × stock's memory",
     times(0.5, *stack("PSS in all"), STOCK)),
    ("... and of stock's with all of Open WebUI", times(0.5, *stack("PSS in all"), WHOLE)),
    ("the stack takes less than 800 MB", at_most(800, "MB", stack("PSS in all"))),
    ("LiteLLM and its engine take at most 380 MB", at_most(380, "MB", stack("litellm"), stack("engine"))),
    ("Open WebUI takes at most 320 MB", at_most(320, "MB", stack("open-webui"))),
    ("PostgreSQL, nginx and the daemon take at most 70 MB",
     at_most(70, "MB", stack("postgres"), stack("nginx"), stack("supervisor"))),
    ("all four are ready after at most 0.55 × stock's time",
     times(0.55, *READY, STOCK)),
    ("... and of stock's with all of Open WebUI",
     times(0.55, *READY, WHOLE)),
    ("all four are ready after 15 s", at_most(15, "s", READY)),
    ("at every point at least as many requests a second as stock", worst("requests/s", STOCK, least=1)),
    ("at every point a p99 no longer than stock's", worst("p99", STOCK, most=1)),
    ("at every point at least 3 × the requests of the bundle's settings",
     worst("requests/s", BUNDLE, least=3)),
    ("crash → running at the median at most a third of runit's",
     times(1 / 3, "restart", "SIGKILL → successor runs, median", "runit")),
    ("1,000 services in less than 12 MB", at_most(12, "MB", ("idle", "1,000 services: PSS"))),
    ("1,000 services started within 1.5 s",
     at_most(1.5, "s", ("idle", "1,000 services: start → the last one runs"))),
    ("no CPU for a log line that goes to the journal, of 1,000,000 lines at most 10 ms", lambda results: (
        figure(value := results.get("logs", "CPU of supervisor and logger", "ai-gateway, journal") * 1e3, "ms"),
        value <= 10)),
]


def judge(parts):
    """Each target with what was measured for it, as far as it was."""
    results = Results(parts)
    lines = []
    for target, of in TARGETS:
        try:
            measured, reached = of(results)
            verdict = "reached" if reached else "not reached"
        except KeyError:
            measured, verdict = "–", "not measured"
        lines.append({"target": target, "measured": measured, "verdict": verdict})
    return lines
