"""Compositing the drawn character: scaling, colour match, shadow, grain, blending in linear light."""
