"""What the log must not hold: addresses that open something for whoever reads them."""

import logging
import re

_SECRET = re.compile(r"(/(?:c|q|invitation|demonstration)/|/password/reset/)[^/\s?]+")


class WithoutSecrets(logging.Filter):
    """Masks the links of customers, of invitations and of forgotten passwords."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record goes on, without its secrets."""
        said = record.getMessage()
        masked = _SECRET.sub(r"\1•••", said)
        if masked != said:
            record.msg, record.args = masked, ()
        return True
