"""A policy and a directory as files, in and out."""
