"""Self-contained HTML pages: no network, no storage; what a reader enters stays in the page."""
