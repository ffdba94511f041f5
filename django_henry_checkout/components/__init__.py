"""What the app's own views and its template tags share: contexts, texts and the CSP nonce."""
