from statechart.dashboard.charts.app import asgi_app as asgi_app
