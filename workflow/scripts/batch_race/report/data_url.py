"""Images and files inside a page or a chart."""

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image


def data_url(pixels: npt.NDArray[np.uint8]) -> str:
    """Return an image as a `data:` URL of a PNG.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width)
        Grey, 0 is black.
    """
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    return encode(png.getvalue(), "image/png")


def encode(content: bytes, media_type: str) -> str:
    """Return the content of a file as a `data:` URL."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
