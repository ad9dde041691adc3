"""A one-hidden-layer network and its trainer: arrays in, arrays and records out."""
