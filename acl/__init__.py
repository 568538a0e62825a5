"""Who may do what: names, labels, Casbin policy, decisions."""
