"""The frame: settings, the kernel that every app may import, and the composition root."""
