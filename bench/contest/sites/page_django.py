"""The Django site, whose page at / shows its version."""
import django_site
import page_site


def application(environ, start_response):
    site = page_site if environ["PATH_INFO"] == "/" else django_site
    return site.application(environ, start_response)
