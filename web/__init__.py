"""The dashboard: a Flask application that shows lookups as they happen and sends people's decisions to the resolver."""
