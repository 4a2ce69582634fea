"""Image filters shared by ``scene``: guided filter, push-pull filling, regions."""
