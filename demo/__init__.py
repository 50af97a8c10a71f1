"""The other side, simulated: what `make run` and the tests talk to instead of real services.

Never imported by the product.
"""
