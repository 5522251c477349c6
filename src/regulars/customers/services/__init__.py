"""Every write about customers, one file per subject."""
