"""From bytes to words and back: pure functions, bounded on any input, no socket and no clock."""
