"""The window: Qt widgets that show the session and send it commands; they hold no truth of their own."""
