"""Numbers and intervals as text."""


def number(value: float) -> str:
    """Return a number with three digits, or all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def interval(low: float | None, high: float | None, n_runs: int | None = None) -> str:
    """Return an interval as text to append: ` [1, 2]`.

    Parameters
    ----------
    low, high : float or None
        An end that is not known is written as `…`.
    n_runs : int, optional
        How many runs it comes from: a single run has no interval.
    """
    if n_runs == 1:
        return ""
    ends = ["…" if end is None else number(end) for end in (low, high)]
    return f" [{ends[0]}, {ends[1]}]"


def bracket(low: float, high: float) -> str:
    """Return two bounds of a number as text: `1–2`, or one number where both read the same."""
    return "–".join(dict.fromkeys((number(low), number(high))))
