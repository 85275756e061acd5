"""The parts of tiny-models.py: one module per family of models, and what the families share."""
