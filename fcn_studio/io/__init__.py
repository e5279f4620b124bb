"""Bytes on disk to plain values and back: images, label PNGs, data sets, atomic files."""
