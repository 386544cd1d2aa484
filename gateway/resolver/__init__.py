"""One query's way: from the television to an answer."""
