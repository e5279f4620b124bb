"""Questions in windows of their own; each is opened, never waited for."""
