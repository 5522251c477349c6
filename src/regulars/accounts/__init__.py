"""Who may log in and what they may do: users, roles, invitations, the log of what matters to safety."""
