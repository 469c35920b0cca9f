SECRET_KEY = "only-for-the-example"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "notes"
USE_TZ = True
