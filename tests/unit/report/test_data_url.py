"""Images inside a page or a chart."""

import base64
import io

import numpy as np
from PIL import Image

from batch_race.report.data_url import data_url


def test_a_data_url_holds_the_pixels():
    pixels = np.array([[0, 255, 7], [255, 0, 255]], dtype=np.uint8)
    png = base64.b64decode(data_url(pixels).removeprefix("data:image/png;base64,"))
    assert np.array_equal(Image.open(io.BytesIO(png)), pixels)
