"""What is tried in a real Maya: each call of the adapter by itself, then the compliance suite that every host passes."""
