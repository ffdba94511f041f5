"""The operations of the app: one public function for each thing that a shopper, a worker or staff can do.

Views parse, call one flow and render. No HTTP call is made while a transaction is open. The packages import each
other in one direction only: operations > checkout | polling | webhooks > purchase > order > access | events >
buyer | cart | queue.
"""
