"""Image filters that the other parts of ``scene`` share: guided filter, push-pull filling, regions."""
