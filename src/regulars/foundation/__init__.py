"""What every package of the application stands on: the business itself, the history of changes, safe retries."""
