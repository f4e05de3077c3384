"""The loopback web door: one-time links, and who may pass."""
