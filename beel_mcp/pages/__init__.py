"""What a person sees: plans, lists and packages as pages and cards.

Imported only when the first page or card is needed: a server that shows none starts without it.
"""
