"""What any part of the engine may lean on: devices, processes, random streams, failures as sentences, trusted user code."""
