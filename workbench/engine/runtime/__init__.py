"""What any part of the engine may lean on: devices, processes, random streams, failures in words, trusted user code."""
