"""A Django page with a template and the usual middleware, without a database."""
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.template import engines
from django.urls import path

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
application = get_wsgi_application()
PAGE = engines["django"].from_string("""<!doctype html>
<title>{{ title }}</title>
<h1>{{ title }}</h1>
<ul>
{% for item in items %}<li><a href="/item/{{ item }}">{{ item|stringformat:"04d" }}</a></li>
{% endfor %}</ul>
""")


def index(request):
    return HttpResponse(PAGE.render({"title": "Twenty items", "items": range(20)}, request))


urlpatterns = [path("", index)]
