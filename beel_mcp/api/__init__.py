"""How we speak to BeeL; `tools`, `guards` and `context` may import it, and nothing below them."""
