"""Inference: a checkpoint and pixels in, a prediction out; engines, upsampling, caches, batches."""
