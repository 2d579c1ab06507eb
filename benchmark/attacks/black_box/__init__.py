"""Attacks that ask for decisions or logits only."""
