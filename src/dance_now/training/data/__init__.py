"""Training data: reading data sets, sample cache, random crops, augmentation."""
