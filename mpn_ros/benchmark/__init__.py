"""How long each step from an image to people takes, on which device, beside what the device could do."""
