"""How we speak to BeeL: requests, answers as models, errors, retries, the account."""
