"""One HTTP request to BeeL: transport, retry, responses."""
