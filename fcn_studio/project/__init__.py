"""The project folder: images, labels, journal, checkpoints, and samples for training."""
