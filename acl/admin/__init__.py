"""Changes of the policy: what can be changed, who may, alone or with a second person."""
