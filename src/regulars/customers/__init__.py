"""Who the business deals with: identity, contacts, relations, consent, merging, what was written about them."""
