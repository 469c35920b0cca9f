"""A Flask page with a template."""
import flask

application = flask.Flask(__name__)
PAGE = """<!doctype html>
<title>{{ title }}</title>
<h1>{{ title }}</h1>
<ul>
{% for item in items %}<li><a href="/item/{{ item }}">{{ "%04d" % item }}</a></li>
{% endfor %}</ul>
"""


@application.get("/")
def index():
    return flask.render_template_string(PAGE, title="Twenty items", items=range(20))
