"""Open WebUI's application on the gateway's diet."""

import diet  # first: it changes how the rest is imported

from open_webui.main import app as open_webui

app = diet.watched(open_webui)
