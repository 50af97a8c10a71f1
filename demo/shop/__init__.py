"""The store that customers see, simulated: home, product, cart, checkout and thank-you pages with the life of the real ones.

Start it in a test with `demo.shop.server.serve(ShopState())`, or by hand with `python -m demo.shop --port 8802`. Its certificates and
coupons are those of the simulated panel, its orders go to the simulated CRM.
"""
