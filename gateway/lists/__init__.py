"""Block lists: download, tell apart, parse, compile, and the mapped file that answers."""
