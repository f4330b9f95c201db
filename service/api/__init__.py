"""The REST interface, one router per noun. Routes are async and answer with encoded bytes."""
