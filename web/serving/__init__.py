"""The HTTP server in front of the dashboard: one event loop that waits for clients, and a few threads that work.

No thread ever waits for a client's bytes. The loop reads a request whole, within a deadline, before a thread begins
with it, and it hands the answer out piece by piece; an open page with its endless stream of events is no more than a
connection of the loop. h11 reads and writes HTTP/1.1 (RFC 9112), so that no parsing is ours.
"""
