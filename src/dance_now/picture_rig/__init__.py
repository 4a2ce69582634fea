"""Characters from one picture: matte, joints, an inflated body, skin weights, expressions."""
