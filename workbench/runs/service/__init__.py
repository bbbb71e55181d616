"""What the window and the terminal ask the engine for beside training: typed requests, answers and the lines between them."""
