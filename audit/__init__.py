"""What happened: an append-only hash chain and its verification."""
