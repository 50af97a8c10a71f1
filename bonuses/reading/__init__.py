"""Files of balances, from a CSV or in the predecessor's shapes, read into lines. Pure: no rows, no clock."""
