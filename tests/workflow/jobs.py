"""The jobs that follow from a change, by rule."""

SUMMARY_CHARTS = {
    f"plot_{name}": 1
    for name in (
        *("seconds_to_target", "steps_to_target", "examples_to_target"),
        *("throughput", "learning_rates"),
    )
}
MISTAKES_CHARTS = {"plot_confusion_matrix": 1, "plot_worst_mistakes": 1}
CURVES = {
    f"plot_{name}": 1
    for name in ("loss_by_seconds", "learning_by_iteration", "loss_curves", "accuracy_curves")
}
CHARTS = CURVES | SUMMARY_CHARTS | MISTAKES_CHARTS
PAGE = {"write_page": 1}
DATA = {"parse": 1, "prepare": 1}
MISTAKES = {"find_mistakes": 1} | MISTAKES_CHARTS | PAGE
ANSWERS = {"summarize": 1, "compare": 1, "forecast": 1} | SUMMARY_CHARTS | MISTAKES
AGGREGATES = {"collect": 1, "collect_crossings": 1} | ANSWERS | CURVES


def trained(count):
    """Count the jobs of so many runs that are trained, and their replays."""
    return {"train": count, "find_crossings": count}
