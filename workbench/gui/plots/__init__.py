"""What every plot is made of: axes, ticks, lines, and one plot with its header."""
