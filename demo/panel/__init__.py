"""The store's admin panel, simulated: a small local web application with the life of the real one.

Start it in a test with `demo.panel.server.serve(PanelState())`, or by hand with `python -m demo.panel --port 8801`.
"""
