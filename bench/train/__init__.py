"""How the files in `redaction/data` were made. Nothing of this runs in the service."""
