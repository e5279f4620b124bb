"""The picture in the middle of the window: image, labels, prediction, pointer."""
