"""One file per question that an owner asks; each turns a part of the audit into blocks of a page."""
