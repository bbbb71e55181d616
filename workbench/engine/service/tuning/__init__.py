"""Finds settings by trying: learning rate, batch size, number of loader workers, memory."""
