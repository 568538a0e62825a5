"""The commands of administration: a few lines each around what HTTP calls too."""
