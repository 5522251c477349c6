"""Files into the base: read as the audit reads them, loaded as sets in one transaction, taken back as a whole."""
