"""What calls for a label: each detector counts one kind of it in a folded text, in linear time."""
