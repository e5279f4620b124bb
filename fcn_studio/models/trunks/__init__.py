"""Trunks: what turns a picture into features; each module registers its own when it is imported."""
