"""Development tooling: the environment, the services and the commands behind `make`.

Nothing here is imported by the product. What runs before the virtual environment exists uses the standard library only.
"""
