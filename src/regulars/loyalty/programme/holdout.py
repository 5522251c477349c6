"""Members who go without a rule, drawn by lot from its first day on: against them one sees what the rule earns."""

import hashlib


def place(rule: str, member: str) -> int:
    """Where the lot puts a member for this rule: from 0 to 9,999, for ever the same.

    Another rule draws anew, so nobody goes without everything. `loyalty.trials` draws alike in the database.
    """
    digest = hashlib.md5(f"{rule}\x1f{member}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) % 100_00
