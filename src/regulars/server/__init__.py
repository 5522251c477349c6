"""The running product: settings, the database, the web server and the worker as one command."""
