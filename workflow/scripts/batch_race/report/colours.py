"""The colour of a batch size: a function of the batch size alone, so it is the same in every chart.

The hue goes around the colour circle once in 4.2 doublings of the batch size, and the lightness up
and down in 8.4. These numbers were found by a search: the batch sizes of a usual sweep, in powers
of two or four, differ as far as they can, also for readers who see no red or no green. Each colour
has a contrast of at least 3 to 1 with a white page and with a dark one.
"""

from math import cos, log2, pi, sin

Rgb = tuple[float, float, float]

FIRST_HUE = 345
"""The hue of batch size 1, in degrees: pink."""

DEGREES_PER_DOUBLING = 85

LIGHTNESS = (0.594, 0.06)
"""Mean and amplitude, in OKLCH."""

DOUBLINGS_PER_WAVE = 8.4
"""Of the lightness."""

FIRST_WAVE = 0.15
"""The part of a wave that is before batch size 1."""

MOST_CHROMA = 0.17


def of_batch_size(batch_size: int) -> str:
    """Return the colour of a batch size as `#rrggbb`."""
    doublings = log2(batch_size)
    hue = (FIRST_HUE + DEGREES_PER_DOUBLING * doublings) * pi / 180
    mean, amplitude = LIGHTNESS
    lightness = mean - amplitude * cos(2 * pi * (FIRST_WAVE + doublings / DOUBLINGS_PER_WAVE))
    chroma = MOST_CHROMA
    found = _linear_rgb(lightness, chroma, hue)
    while min(found) < 0 or max(found) > 1:  # no screen shows it: less vivid
        chroma -= 0.005
        found = _linear_rgb(lightness, chroma, hue)
    return "#" + "".join(f"{round(255 * _encoded(part)):02x}" for part in found)


def _linear_rgb(lightness: float, chroma: float, hue: float) -> Rgb:
    """Convert from OKLCH (Ottosson, "A perceptual color space for image processing", 2020)."""
    a, b = chroma * cos(hue), chroma * sin(hue)
    long, medium, short = (
        (lightness + x * a + y * b) ** 3
        for x, y in (
            (0.3963377774, 0.2158037573),
            (-0.1055613458, -0.0638541728),
            (-0.0894841775, -1.2914855480),
        )
    )
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _encoded(linear: float) -> float:
    """Return a part of sRGB as it is stored."""
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
