"""Characters from one picture: matte, joints, an inflated and textured body, skin weights, expressions, VRM."""
