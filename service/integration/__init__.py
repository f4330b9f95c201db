"""What another house's systems connect to: the change feed, and webhooks made from it."""
