"""Numbers that belong to a name under a secret: whoever has the secret finds the same, nobody else can tell them from
chance."""

import hmac
import json


def keyed_number(secret: int, *names: str | int) -> int:
    """256 bits by HMAC-SHA256; for other names another number, independent of this one.

    Args:
        secret: not negative; its size is the attacker's work.
        names: what the number is for.
    """
    key = secret.to_bytes(max(1, (secret.bit_length() + 7) // 8), "big")
    return int.from_bytes(hmac.digest(key, json.dumps(names).encode(), "sha256"), "big")
