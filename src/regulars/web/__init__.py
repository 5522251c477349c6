"""The pages: one module per page, its templates and its styles. No logic of the business lives here."""
