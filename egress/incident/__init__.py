"""When something went wrong: what is stopped at once, how far it reached, who is to be told by when."""
