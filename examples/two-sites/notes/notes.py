"""A Django site in one file; shows the versions that it runs with."""

import platform

import click
import django
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path


def index(request):
    return JsonResponse(
        {
            "site": "notes",
            "framework": "Django " + django.get_version(),
            "click": click.__version__,
            "python": "%s %s" % (platform.python_implementation(), platform.python_version()),
            "path": request.path_info,
            "mount": request.META["SCRIPT_NAME"],
        }
    )


urlpatterns = [path("", index)]
application = get_wsgi_application()
