"""What stands on the network: who asks, which maker it is, what people call it."""
