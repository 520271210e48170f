from environments.dashboard.app import asgi_app as asgi_app
