"""How our processes speak to each other: one Unix socket, one JSON object a line."""
