"""The verbs: one public function for each thing that a shopper, a worker or staff can do.

Surfaces parse, call one flow and render. Nothing here speaks HTTP while a transaction is open.
"""
