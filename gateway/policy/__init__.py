"""From lists and clicks to a decision: parsers, download, the compiled lists, the snapshot, the service."""
