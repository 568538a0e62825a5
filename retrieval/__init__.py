"""A question to permitted snippets: embed, index, search, permit, excerpt."""
