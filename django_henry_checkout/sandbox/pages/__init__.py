"""The pages that shoppers and developers open in a browser."""
