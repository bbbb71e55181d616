"""What looks at data and models without training them."""
