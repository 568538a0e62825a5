"""The doors: HTTP, pages and command line; the one place that wires parts together."""
