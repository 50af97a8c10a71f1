"""An SMS gateway with the telephones behind it, simulated: messages are posted as JSON and shown on a page like a phone's.

Start it in a test with `demo.sms.server.serve(SmsState())`, or by hand with `python -m demo.sms --port 8803`.
"""
