"""Plain values and numpy: no disk, no threads, no Qt, no torch."""
