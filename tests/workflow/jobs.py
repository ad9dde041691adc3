"""The jobs that follow from a change, by rule."""

CURVES, RESULTS_CHARTS = {"plot_histories": 1}, {"plot_results": 1}
CHARTS = CURVES | RESULTS_CHARTS
PAGE = {"write_page": 1}
DATA = {"parse": 1, "prepare": 1}
BUNDLE = {"bundle_vega": 1}
MISTAKES = {"find_mistakes": 1} | RESULTS_CHARTS | PAGE
ANSWERS = {"summarize": 1, "compare": 1, "forecast": 1} | MISTAKES
AGGREGATES = {"collect": 1} | ANSWERS | CURVES


def trained(count):
    """Count the jobs of so many runs that are trained, and their replays."""
    return {"train": count, "find_crossings": count}
