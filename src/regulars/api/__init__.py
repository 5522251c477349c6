"""The HTTP interface for other programs: keys, resources, web-hooks."""
