"""Which measures there are, which services each is for, and which pairs of copies show what one saves.

All of it is pure. `benches/diet` and `comparison` ask.
"""

LITELLM, OPEN_WEBUI = "litellm", "open-webui"
# Two copies with the same measures: what a difference has to exceed.
NOISE = "noise"
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
    NOISE: [LITELLM, OPEN_WEBUI],
}
MEASURES = [name for name in SERVICES if name != NOISE]
# Those of nginx and of set-up, which have nothing to do with what a service does itself: it has them
# in all pairs but their own.
AROUND = ("static_files", "bytecode")

# The measures of two copies that are compared: without the measure in question, and with it.
Taken = tuple[list[str], list[str]]


def is_known(measure: str) -> bool:
    """Whether each of the names that are joined by `+` is a measure."""
    return set(measure.split("+")) <= SERVICES.keys()


def services(measure: str) -> list[str]:
    """Of one measure, or of several that are joined by `+` and measured together."""
    return list(dict.fromkeys(service for one in measure.split("+") for service in SERVICES[one]))


def pairs(measure: str, service: str) -> dict[str, Taken]:
    """Without and with a measure, of those of a service: as the last of all, and alone."""
    every = [name for name in MEASURES if service in SERVICES[name]]
    if measure == NOISE:
        return {"all": (every, every)}
    these = [name for name in measure.split("+") if name in every]
    last = {"last": ([name for name in every if name not in these], every)}
    if measure in AROUND:
        return last
    around = [name for name in every if name in AROUND]
    return {**last, "alone": (around, around + these)}
