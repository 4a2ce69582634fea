"""Compositing of the drawn character: scaling, color match, shadow, grain, blending in linear light."""
