"""What the app is compared with: bare views, django-oscar and dj-stripe. The latter two run in `.venv/peers`."""
