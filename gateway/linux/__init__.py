"""The kernel's own words: netlink framing, recvmmsg, scheduling, prctl, and who holds a port."""
