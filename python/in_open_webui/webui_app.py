"""Open WebUI's application on the gateway's diet."""

import diet  # first: it changes how the rest is imported
import diet_imports  # noqa: F401 - the same, and they need the one above
import diet_indexes  # noqa: F401
import diet_models  # noqa: F401
import diet_open_webui  # noqa: F401
import first_account
import gateway_log  # noqa: F401 - before anybody makes a handler of their own

# isort: split

from open_webui.main import app as open_webui

app = diet.watched(first_account.before_the_door_opens(open_webui))
