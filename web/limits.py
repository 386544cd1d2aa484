"""How much of a request is looked at. Lengths come first: nothing longer than this costs any work."""

from __future__ import annotations

MAX_HEAD = 16 * 1024
MAX_FIELDS = 64
MAX_BODY = 64 * 1024
MAX_TYPED = 1024
"""Characters of a password or a code as they were typed, before they are brought into one form."""
