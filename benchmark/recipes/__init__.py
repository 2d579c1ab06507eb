"""Recipes: how a run is trained, as one YAML file per purpose."""
