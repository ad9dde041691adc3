"""Batch sizes as text, of which that with all training images has a name."""


def describe(batch_size: int, training_images: int) -> str:
    """Return a batch size as text: `2,048`, or `all (60,000)`."""
    return f"all ({batch_size:,})" if batch_size == training_images else f"{batch_size:,}"


def name(batch_size: int, training_images: int) -> str:
    """Return a batch size as a name: `batch 2,048`, or `all (60,000)`."""
    prefix = "" if batch_size == training_images else "batch "
    return prefix + describe(batch_size, training_images)
