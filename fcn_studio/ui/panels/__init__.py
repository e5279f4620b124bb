"""The panels round the canvas: each shows the session's state and sends it commands."""
