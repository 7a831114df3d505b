"""Vocabulary: frozen dataclasses and enums that all stages share."""
