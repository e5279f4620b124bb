"""The command line: one small file a command, over the same floors as the window."""
