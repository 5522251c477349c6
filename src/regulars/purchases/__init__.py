"""What was bought: products, stores, staff, receipts and their lines, and imports that can be undone."""
